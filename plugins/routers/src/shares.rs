//! How the load is to be shared between experts: evenly, as said, or by how far their GPUs are from a limit.

use std::fmt;

use isotherm_core::router::{ClusterView, RouterError};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Shares of the load that a balancing router aims at: `"uniform"`, `"headroom"`, or one number for each expert.
///
/// By headroom, an expert's share is proportional to the kelvin its GPU, as last sampled, is below `limit_degc`: the GPU that is
/// half as far from its limit gets half the work. A GPU that has not been read counts as the mean of the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Shares {
    /// The same for all.
    #[default]
    Uniform,
    /// By the distance of the expert's GPU from `limit_degc`.
    Headroom,
    /// In proportion to these numbers.
    Given(Vec<f64>),
}

const EXPECTED: &str = "\"uniform\", \"headroom\" or a list with one number for each expert";

impl Serialize for Shares {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Uniform => serializer.serialize_str("uniform"),
            Self::Headroom => serializer.serialize_str("headroom"),
            Self::Given(shares) => shares.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Shares {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Shares;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Shares, E> {
                match text {
                    "uniform" => Ok(Shares::Uniform),
                    "headroom" => Ok(Shares::Headroom),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shares, A::Error> {
                let mut shares = Vec::new();
                while let Some(share) = list.next_element()? {
                    shares.push(share);
                }
                Ok(Shares::Given(shares))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl Shares {
    /// Refuses what cannot be shares of `experts` experts.
    pub(crate) fn check(&self, option: &'static str, experts: usize) -> Result<(), RouterError> {
        let Self::Given(shares) = self else { return Ok(()) };
        let fault = |message: String| {
            Err(RouterError::Option {
                option,
                message: format!("{message}; for example, for two experts, `{option} = [0.7, 0.3]`, or {EXPECTED}"),
            })
        };
        if shares.len() != experts {
            return fault(format!("needs one number for each of the {experts} experts, found {}", shares.len()));
        }
        if let Some(share) = shares.iter().find(|share| !(share.is_finite() && **share >= 0.0)) {
            return fault(format!("shares are finite numbers of at least 0, found {share}"));
        }
        let sum: f64 = shares.iter().sum();
        if sum > 0.0 && sum.is_finite() { Ok(()) } else { fault(format!("shares must add up to something, not {sum}")) }
    }

    /// The shares now; they sum to 1. Where no GPU has any headroom, none is better than another: even shares.
    pub(crate) fn now(&self, view: &ClusterView<'_>, limit_degc: f64, shares: &mut [f64]) {
        match self {
            Self::Uniform => shares.fill(1.0),
            Self::Given(given) => shares.copy_from_slice(given),
            Self::Headroom => headroom(view, limit_degc, shares),
        }
        let sum: f64 = shares.iter().sum();
        let even = 1.0 / shares.len() as f64;
        shares.iter_mut().for_each(|share| *share = if sum > 0.0 { *share / sum } else { even });
    }
}

fn headroom(view: &ClusterView<'_>, limit_degc: f64, shares: &mut [f64]) {
    shares.fill(f64::NAN);
    for (share, temperature) in shares.iter_mut().zip(view.expert_temperatures()) {
        *share = temperature.map_or(f64::NAN, |degc| (limit_degc - degc).max(0.0));
    }
    let known = shares.iter().filter(|share| !share.is_nan());
    let (sum, number) = known.fold((0.0, 0.0), |(sum, number), share| (sum + share, number + 1.0));
    let mean = if number > 0.0 { sum / number } else { 1.0 };
    shares.iter_mut().filter(|share| share.is_nan()).for_each(|share| *share = mean);
}

#[cfg(test)]
mod tests {
    use isotherm_core::id::BatchId;
    use isotherm_core::placement::Placement;
    use isotherm_core::telemetry::Sample;
    use isotherm_core::time::SimTime;
    use isotherm_core::units::Celsius;

    use super::*;

    #[test]
    fn headroom_is_proportional_and_never_nothing_at_all() {
        let placement = Placement::contiguous(3, 3);
        let read = |degc: Option<f64>| Sample { temperature: degc.map(Celsius::new), ..Sample::default() };
        let shares = |degc: [Option<f64>; 3]| {
            let samples = degc.map(read);
            let view = ClusterView::empty().at(SimTime::ZERO, BatchId(0), &placement, &samples);
            let mut shares = [0.0; 3];
            Shares::Headroom.now(&view, 90.0, &mut shares);
            shares
        };
        assert_eq!(shares([Some(30.0), Some(60.0), Some(60.0)]), [0.5, 0.25, 0.25]);
        assert_eq!(shares([Some(50.0), Some(95.0), None]), [40.0 / 60.0, 0.0, 20.0 / 60.0]);
        assert_eq!(shares([None; 3]), [1.0 / 3.0; 3]);
        assert_eq!(shares([Some(99.0), Some(91.0), Some(90.0)]), [1.0 / 3.0; 3]);
    }
}
