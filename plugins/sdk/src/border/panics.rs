//! Panics stop at the border, and are told with their place.
//!
//! The payload of a caught panic does not say where it happened; only a panic hook hears that. A library that was opened has a standard library, and
//! so a hook, of its own. The one installed here keeps message and place of panics inside our entries, quietly, and hands all others to the hook
//! that was there before.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

/// What a thread knows of the entries it is in. Asked at every call, so that nothing of it needs a destructor.
struct Inside {
    /// Entries that this thread is in; more than one where the host calls back.
    depth: Cell<u32>,
    /// Whether there is a [`PANIC`].
    panicked: Cell<bool>,
}

thread_local! {
    static INSIDE: Inside = const { Inside { depth: Cell::new(0), panicked: Cell::new(false) } };
    /// Message and place of a panic that has not been reported yet.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs the hook, once for this library. With `panic = "abort"` nothing can be caught, and the hook that was there says more.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    if cfg!(panic = "abort") {
        return;
    }
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !keep(info) {
                previous(info);
            }
        }));
    });
}

/// Keeps message and place of a panic inside an entry; whether it is the first there. A second one may come from a destructor and end the process, so it is
/// shown too.
fn keep(info: &PanicHookInfo<'_>) -> bool {
    let kept = PANIC.try_with(|kept| {
        let Ok(mut kept) = kept.try_borrow_mut() else { return false };
        if INSIDE.with(|inside| inside.depth.get()) == 0 {
            return false;
        }
        INSIDE.with(|inside| inside.panicked.set(true));
        let place = info.location().map(|place| format!("{}:{}:{}: ", place.file(), place.line(), place.column()));
        kept.replace(format!("panicked at {}{}", place.unwrap_or_default(), text_of(info.payload()))).is_none()
    });
    kept.unwrap_or(false)
}

/// What a panic says for itself.
fn text_of(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without a message",
    }
}

/// Runs `work` as an entry; of a panic inside, `panicked` makes the answer, from its message with file, line and column.
pub(crate) fn caught<T>(work: impl FnOnce() -> T, panicked: impl FnOnce(String) -> T) -> T {
    INSIDE.with(|inside| {
        inside.depth.set(inside.depth.get() + 1);
        let answer = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
            let kept = forget(inside);
            let message = kept.unwrap_or_else(|| format!("panicked: {}", text_of(&*payload)));
            discard(payload);
            panicked(message)
        });
        // The author's code may have caught one itself.
        if inside.panicked.get() {
            forget(inside);
        }
        inside.depth.set(inside.depth.get() - 1);
        answer
    })
}

/// Takes what was kept of a panic.
#[cold]
fn forget(inside: &Inside) -> Option<String> {
    inside.panicked.set(false);
    PANIC.try_with(RefCell::take).ok().flatten()
}

/// Drops a payload whose own destructor may panic, as may that of the payload of that.
fn discard(mut payload: Box<dyn Any + Send>) {
    const PATIENCE: u32 = 8;
    for _ in 0..PATIENCE {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(another) => payload = another,
        }
    }
    std::mem::forget(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_and_place() {
        install_hook();
        let line = line!() + 1;
        let message = caught(|| panic!("out of {}", "luck"), |message| message);
        let expected = format!("panicked at {}:{line}:", file!());
        assert!(message.starts_with(&expected) && message.ends_with("out of luck"), "{message}");
        assert_eq!(caught(|| 7, |_| 8), 7, "nothing is left of it");
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_no_more_than_a_panic() {
        struct Nasty;
        impl Drop for Nasty {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        install_hook();
        let message = caught(|| std::panic::panic_any(Nasty), |message| message);
        assert!(message.contains("without a message"), "{message}");
        assert_eq!(caught(|| 7, |_| 8), 7);
    }
}
