//! The gate product stays on the caller's thread: alone in its process, because it counts the process's threads.

#![cfg(target_os = "linux")]

use isotherm_core::id::BatchId;
use isotherm_core::workload::{WorkloadContext, WorkloadSpec};
use isotherm_workloads::{Gaussian, Source};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux lists a process's threads").count()
}

#[test]
fn a_large_product_starts_no_threads() {
    let spec = Gaussian { source: Source::Hidden, ..Gaussian::default() };
    let stream =
        spec.build(&WorkloadContext { experts: 64, top_k: 8, seed: 1, batches: &[], layer: 0 }).expect("builds");
    let before = threads();
    stream.logits(BatchId(0), 2048).expect("multiplies");
    assert_eq!(threads(), before);
}
