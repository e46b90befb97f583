//! Token streams, gates, arrivals and traces for isotherm.
//!
//! [`WORKLOADS`] and [`ARRIVALS`] are the registries: what stands there can be named in a scenario. A workload says what
//! the gate's logits are, arrivals say when how many tokens come; neither ever sees the router (INV-12).

mod arrivals;
mod checkpoint;
mod correlated;
mod counts;
mod fit;
mod gate;
mod gate_product;
mod gaussian;
mod hidden;
mod idle;
mod options;

pub use arrivals::closed_loop::ClosedLoop;
pub use arrivals::poisson::Poisson;
pub use arrivals::trace::{Counted, Format, Trace};
pub use checkpoint::Checkpoint;
pub use counts::{Counts, Switch};
pub use gate::Gate;
pub use gate_product::GateProduct;
pub use gaussian::{Gaussian, Source};
pub use isotherm_core::registry::Kind;

/// The token streams of this crate, in the order in which they are listed to users.
pub const WORKLOADS: &[Kind] = &[gaussian::KIND, counts::KIND, checkpoint::KIND];

/// The arrivals of this crate, in the order in which they are listed to users.
pub const ARRIVALS: &[Kind] = &[arrivals::closed_loop::KIND, arrivals::poisson::KIND, arrivals::trace::KIND];

#[cfg(test)]
mod tests {
    use isotherm_core::workload::{ArrivalSpec, WorkloadSpec};

    use super::*;

    /// Reads the example as the trait object, writes it back, reads that, and returns the kind both times.
    fn kinds_of<T: serde::Serialize + serde::de::DeserializeOwned>(example: &str) -> [String; 2] {
        let read: T = toml::from_str(example).expect(example);
        let written = toml::to_string(&read).expect(example);
        let again: T = toml::from_str(&written).expect(&written);
        let kind =
            |table: &T| toml::Value::try_from(table).expect("a table")["kind"].as_str().expect("text").to_owned();
        [kind(&read), kind(&again)]
    }

    #[test]
    fn every_example_is_of_the_kind_it_stands_for_and_round_trips() {
        for kind in WORKLOADS {
            assert_eq!(kinds_of::<Box<dyn WorkloadSpec>>(kind.example), [kind.name; 2]);
        }
        for kind in ARRIVALS {
            assert_eq!(kinds_of::<Box<dyn ArrivalSpec>>(kind.example), [kind.name; 2]);
        }
    }

    #[test]
    fn a_misspelt_option_is_refused_by_every_kind() {
        for kind in WORKLOADS {
            assert!(
                toml::from_str::<Box<dyn WorkloadSpec>>(&format!("{}\nlambda = 1", kind.example)).is_err(),
                "{}",
                kind.name
            );
        }
        for kind in ARRIVALS {
            assert!(
                toml::from_str::<Box<dyn ArrivalSpec>>(&format!("{}\nlambda = 1", kind.example)).is_err(),
                "{}",
                kind.name
            );
        }
    }
}
