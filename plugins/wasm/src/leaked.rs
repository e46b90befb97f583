//! Names that live as long as the process: some traits of the core ask for them, as built-in kinds have nothing else.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// More different names than this are not kept: they are a module's, which may make them up.
const MOST: usize = 10_000;

/// The same text for the life of the process; each different text is kept once.
pub(crate) fn leaked(text: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(name) = names.get(text) {
        return name;
    }
    if names.len() >= MOST {
        return "kind";
    }
    let name: &'static str = Box::leak(text.to_owned().into_boxed_str());
    names.insert(name);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once() {
        assert!(std::ptr::eq(leaked("acme/x"), leaked(&String::from("acme/x"))));
    }
}
