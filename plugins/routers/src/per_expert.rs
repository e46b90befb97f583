//! Options that hold for all experts or for each: a number or a list of them.

use isotherm_core::router::RouterError;
use serde::{Deserialize, Serialize};

/// One number for all experts, or one for each.
///
/// ```
/// use isotherm_routers::PerExpert;
/// // `noise = -2.0` and `noise = [-2.0, 0.0]`
/// let (all, each) = (PerExpert::All(-2.0), PerExpert::Each(vec![-2.0, 0.0]));
/// assert_ne!(all, each);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number, or a list with one number for each expert")]
pub enum PerExpert {
    /// The same for all.
    All(f64),
    /// One number for each expert.
    Each(Vec<f64>),
}

impl Default for PerExpert {
    fn default() -> Self {
        Self::All(0.0)
    }
}

impl PerExpert {
    /// One finite number per expert.
    pub(crate) fn numbers(&self, option: &'static str, experts: usize, example: &str) -> Result<Vec<f64>, RouterError> {
        let numbers = match self {
            Self::All(number) => vec![*number; experts],
            Self::Each(numbers) => numbers.clone(),
        };
        let fault = |message: String| {
            Err(RouterError::Option { option, message: format!("{message}; for example `{example}`") })
        };
        if numbers.len() != experts {
            return fault(format!("needs one number for each of the {experts} experts, found {}", numbers.len()));
        }
        match numbers.iter().find(|number| !number.is_finite()) {
            None => Ok(numbers),
            Some(number) => fault(format!("must be finite numbers, found {number}")),
        }
    }
}
