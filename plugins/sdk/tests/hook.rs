//! Which panics the SDK's hook keeps quiet: those that it reports, and no others. Alone in its process, which has one hook.
#![allow(unsafe_code, reason = "these tests are a host in C")]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "border/given.rs"]
#[allow(dead_code, reason = "shared with the tests of the border")]
mod given;
#[path = "border/host.rs"]
#[allow(dead_code, reason = "shared with the tests of the border")]
mod host;
#[path = "border/plugin.rs"]
#[allow(dead_code, reason = "shared with the tests of the border")]
mod plugin;

use std::sync::atomic::{AtomicU32, Ordering};

static HEARD: AtomicU32 = AtomicU32::new(0);

#[test]
fn only_panics_inside_entries_are_quiet() {
    std::panic::set_hook(Box::new(|_| {
        HEARD.fetch_add(1, Ordering::SeqCst);
    }));
    let mut given = given::Given::new();
    let instance = given.probe(r#"{"act": "panic-in-route"}"#).unwrap();
    given.route(&instance).unwrap_err();
    assert_eq!(HEARD.load(Ordering::SeqCst), 0, "this one has been reported");
    std::panic::catch_unwind(|| panic!("elsewhere")).unwrap_err();
    assert_eq!(HEARD.load(Ordering::SeqCst), 1);
    std::thread::spawn(|| panic!("in a thread of the plugin's own")).join().unwrap_err();
    assert_eq!(HEARD.load(Ordering::SeqCst), 2);
}
