//! With which weights the outputs of the chosen experts are combined.

use isotherm_core::routing::Rule;
use serde::{Deserialize, Serialize};

/// The option `combine` of every strategy that adds a price to the logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// Softmax of the unpenalised logits over the chosen experts: the price chooses, the gate weighs. Same energy, up to
    /// half the shift of the layer's output.
    #[default]
    SelectionOnly,
    /// Softmax of the penalised logits over the chosen experts, as in the classic experiment.
    Penalised,
}

impl Combine {
    /// The kernel's rule for this option.
    pub(crate) fn rule(self, price: &[f32]) -> Rule<'_> {
        match self {
            Self::SelectionOnly => Rule::LogitSelectionOnly { price },
            Self::Penalised => Rule::PenalisedLogit { price },
        }
    }
}
