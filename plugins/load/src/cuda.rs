//! NVIDIA GPUs: opened only where there is one, with memory that stays with the process between layers.

use std::ffi::c_void;

use candle_core::Device;
use candle_core::cuda_backend::cudarc::driver::{CudaContext, DriverError, result, sys};
use isotherm_plugin::prelude::*;

use crate::device::needed;

/// Opens the device of this number, if `bytes` are free on it; and its name.
pub(crate) fn open(number: u32, bytes: u64) -> Result<(Device, String), LoadError> {
    let failed = |error: DriverError| LoadError::Unfit(format!("CUDA device {number}: the driver says {error}"));
    let devices = match CudaContext::device_count() {
        Ok(devices) => u32::try_from(devices).unwrap_or(0),
        Err(error) => {
            let message =
                format!("no CUDA device can be used: the driver says {error}; expected a GPU that `nvidia-smi` lists");
            return Err(LoadError::Unfit(message));
        }
    };
    if number >= devices {
        let message = format!("there is no CUDA device {number}; expected one from 0 to {}", devices.saturating_sub(1));
        return Err(LoadError::Unfit(if devices == 0 { "there is no CUDA device".to_owned() } else { message }));
    }
    let context = CudaContext::new(number as usize).map_err(failed)?;
    let name = context.name().map_err(failed)?;
    let (free, _) = context.mem_get_info().map_err(failed)?;
    if bytes > free as u64 {
        let free = free as f64 / 1e9;
        let message = format!("CUDA device {number} ({name}): {}, of which {free:.1} GB are free", needed(bytes));
        return Err(LoadError::Unfit(message));
    }
    if context.has_async_alloc() {
        keep_memory(&context).map_err(failed)?;
    }
    let device = Device::new_cuda(number as usize)
        .map_err(|error| LoadError::Unfit(format!("CUDA device {number} ({name}) cannot be opened: {error}")))?;
    Ok((device, name))
}

/// Lets the driver keep memory that was freed. By default it gives all of it back at every synchronisation, so that each layer would begin with asking
/// for its memory anew, which takes longer than a small layer.
#[expect(unsafe_code, reason = "calls of the driver that candle does not make")]
fn keep_memory(context: &CudaContext) -> Result<(), DriverError> {
    let mut threshold = u64::MAX;
    let value = (&raw mut threshold).cast::<c_void>();
    // SAFETY: the device is that of an open context, the pool is its own, and this attribute is a 64-bit number.
    unsafe {
        let pool = result::device::get_mem_pool(context.cu_device())?;
        result::mem_pool::set_attribute(pool, sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, value)
    }
}
