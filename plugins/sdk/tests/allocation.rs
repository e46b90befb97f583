//! A call through the border allocates nothing once it is warm. Alone in its process, for it brings a global allocator that counts.
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

#[test]
fn routing_allocates_nothing_once_warm() {
    let mut given = given::Given::new();
    for name in ["test/probe", "test/first-experts"] {
        let instance = host::Instance::create(name, "{}", &given.context()).unwrap();
        for revision in [0, 1, 1, 2] {
            given.revision = revision;
            // Another temperature and the same placement: what a poll brings.
            given.degc[0] += 1.0;
            let counted = allocation_counter::measure(|| {
                given.route(&instance).unwrap();
            });
            let warm = revision > 0;
            assert_eq!(counted.count_total > 0, !warm, "{name} at revision {revision}: {counted:?}");
        }
    }
}
