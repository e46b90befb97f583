//! Placements, as the interface has them: where each expert's copies begin, and the GPUs of all copies.

use std::ptr;

use isotherm_core::id::GpuId;
use isotherm_core::placement::Placement;

/// Numbers of GPUs.
pub(crate) fn numbers(gpus: &[GpuId], into: &mut Vec<u32>) {
    into.clear();
    into.extend(gpus.iter().map(|gpu| gpu.0));
}

/// Where each expert's copies begin; null where no placement is known.
pub(crate) fn first(placement: Option<&Placement>) -> *const u32 {
    placement.map_or(ptr::null(), |placement| placement.offsets().0.as_ptr())
}

/// The array, or null where it is empty: that is how the interface says that nothing is known.
pub(crate) fn or_null<T>(values: &[T]) -> *const T {
    if values.is_empty() { ptr::null() } else { values.as_ptr() }
}
