//! The Parquet library, which panics at some damaged files, kept from ending the program.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use parquet::errors::{ParquetError, Result};

thread_local! {
    /// Whether a panic of this thread is an answer and no news.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Calls the library. A panic is the error that the file is damaged, and nothing of it is printed; panics of others are printed as
/// before.
///
/// Whatever `read` was at work on must not be used after an error.
///
/// # Errors
/// Those of `read`.
pub(super) fn caught<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                before(info);
            }
        }));
    });
    let was_quiet = QUIET.replace(true);
    let answer = catch_unwind(AssertUnwindSafe(read));
    QUIET.set(was_quiet);
    answer.unwrap_or_else(|_| Err(ParquetError::General("its contents contradict each other".to_owned())))
}
