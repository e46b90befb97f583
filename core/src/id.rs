//! Names of things as types: an expert's number is not a GPU's number.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// Position in a dense table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($word, "{}"), self.0)
            }
        }
    };
}

id! {
    /// One GPU, numbered from 0 in the order of the hardware description.
    ///
    /// ```
    /// use isotherm_core::id::GpuId;
    /// assert_eq!(GpuId(3).to_string(), "gpu3");
    /// ```
    GpuId, "gpu"
}
id! {
    /// One expert of the model's MoE layer, numbered from 0.
    ExpertId, "expert"
}
id! {
    /// One batch of the token stream, numbered from 0 in order of arrival.
    BatchId, "batch"
}
