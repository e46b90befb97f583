//! The device a GPU's work runs on.

use candle_core::{DType, Device};
use isotherm_plugin::prelude::*;

use crate::options::{Experts, On, Precision};

/// What the options come to in this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) cuda: bool,
    pub(crate) dtype: DType,
}

impl Chosen {
    pub(crate) fn of(options: &Experts) -> Result<Self, LoadError> {
        let built_with_cuda = cfg!(feature = "cuda");
        let cuda = match options.device {
            On::Auto => built_with_cuda,
            On::Cpu => false,
            On::Cuda if built_with_cuda => true,
            On::Cuda => {
                let message = "device = \"cuda\": this library was built without CUDA; \
                               build it with `cargo build --release --features cuda`, or say device = \"cpu\"";
                return Err(LoadError::Unfit(message.to_owned()));
            }
        };
        let dtype = match options.dtype {
            Precision::Auto if cuda => DType::BF16,
            Precision::Auto | Precision::F32 => DType::F32,
            Precision::Bf16 if cuda => DType::BF16,
            Precision::Bf16 => {
                let message = "dtype = \"bf16\": the processor multiplies no bf16 matrices; expected dtype = \"f32\"";
                return Err(LoadError::Unfit(message.to_owned()));
            }
        };
        Ok(Self { cuda, dtype })
    }

    /// Opens the device of one GPU, with `bytes` free on it; and its name.
    pub(crate) fn open(self, number: u32, bytes: u64) -> Result<(Device, String), LoadError> {
        #[cfg(feature = "cuda")]
        if self.cuda {
            return crate::cuda::open(number, bytes);
        }
        reserve(bytes)?;
        Ok((Device::Cpu, format!("processor (as GPU {number})")))
    }
}

/// Whether the system would give so much memory: it may promise more than it has, but not any amount.
fn reserve(bytes: u64) -> Result<(), LoadError> {
    let wanted = usize::try_from(bytes).unwrap_or(usize::MAX);
    match Vec::<u8>::new().try_reserve_exact(wanted) {
        Ok(()) => Ok(()),
        Err(_) => Err(LoadError::Unfit(format!("{}, which the system does not have", needed(bytes)))),
    }
}

/// What messages say of memory.
pub(crate) fn needed(bytes: u64) -> String {
    format!("the weights of all experts and what they work on need {:.1} GB", bytes as f64 / 1e9)
}
