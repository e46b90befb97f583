//! What a router takes an assignment to cost: the option `costs`.

use isotherm_core::router::{ClusterView, RouterContext, RouterError};
use serde::{Deserialize, Serialize};

/// Where the costs that a price is made of come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostBelief {
    /// What the scenario declares at the start, for the whole run: a static penalty.
    #[default]
    Declared,
    /// The declared costs, grown by `leakage_per_kelvin` for every kelvin the sampled temperature is above `reference_degc`.
    Sampled,
    /// What an assignment truly costs at this instant. No real router knows it; tables that use it are marked.
    Oracle,
}

impl CostBelief {
    /// Writes the believed cost of an assignment at each expert (J) into `costs`. A GPU that was never read counts as at the
    /// reference temperature.
    pub(crate) fn read(
        self,
        view: &ClusterView<'_>,
        leakage_per_kelvin: f64,
        reference_degc: f64,
        costs: &mut [f64],
    ) -> Result<(), RouterError> {
        match self {
            Self::Declared => copy(view.declared_costs, costs)?,
            Self::Sampled => {
                copy(view.declared_costs, costs)?;
                for (cost, temperature) in costs.iter_mut().zip(view.expert_temperatures()) {
                    let excess = temperature.unwrap_or(reference_degc) - reference_degc;
                    *cost *= (1.0 + leakage_per_kelvin * excess).max(0.0);
                }
            }
            Self::Oracle => match view.oracle {
                Some(oracle) => copy(oracle.true_costs, costs)?,
                None => return Err(RouterError::Failed("an oracle router was not shown the truth".to_owned())),
            },
        }
        Ok(())
    }
}

/// A host outside a simulation may know of no costs.
fn copy(known: &[f64], costs: &mut [f64]) -> Result<(), RouterError> {
    if known.len() == costs.len() {
        costs.copy_from_slice(known);
        return Ok(());
    }
    Err(RouterError::Failed(format!("costs are known of {} experts, the layer has {}", known.len(), costs.len())))
}

/// The option `reference_degc` where a scenario gives none (degC).
pub(crate) fn reference_degc() -> f64 {
    60.0
}

/// Above this an option is surely a slip of the hand, and prices made of it would overflow.
const MOST: f64 = 1e9;

/// Refuses an option that is not a number from `least` to a thousand million.
pub(crate) fn require_at_least(option: &'static str, value: f64, least: f64, example: &str) -> Result<(), RouterError> {
    if value >= least && value <= MOST {
        return Ok(());
    }
    Err(RouterError::Option {
        option,
        message: format!(
            "must be a finite number of at least {least} and at most {MOST:e}, found {value}; for example `{option} = {example}`"
        ),
    })
}

/// Refuses an option that is not a finite number above `bound`.
pub(crate) fn require_above(option: &'static str, value: f64, bound: f64, example: &str) -> Result<(), RouterError> {
    if value.is_finite() && value > bound {
        return Ok(());
    }
    Err(RouterError::Option {
        option,
        message: format!("must be a finite number above {bound}, found {value}; for example `{option} = {example}`"),
    })
}

/// Refuses an option that is not a share between 0 and 1.
pub(crate) fn require_share(option: &'static str, value: f64, example: &str) -> Result<(), RouterError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(RouterError::Option {
        option,
        message: format!("is a share between 0 and 1, found {value}; for example `{option} = {example}`"),
    })
}

/// Refuses a saved state that is for another number of experts.
pub(crate) fn require_length(found: usize, experts: usize) -> Result<(), RouterError> {
    if found == experts {
        return Ok(());
    }
    Err(RouterError::State(format!("it is for {found} experts, the model has {experts}")))
}

/// Refuses declared costs from which no price can be made.
pub(crate) fn require_costs(context: &RouterContext<'_>) -> Result<(), RouterError> {
    if context.declared_costs.len() == context.experts {
        return Ok(());
    }
    Err(RouterError::Option {
        option: "costs",
        message: format!(
            "needs one declared cost for each of the {} experts, found {}",
            context.experts,
            context.declared_costs.len()
        ),
    })
}
