//! The test kit finds what it is there to find.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::sync::atomic::{AtomicU32, Ordering};

use isotherm_plugin::prelude::*;
use isotherm_plugin::testkit::{ClosedLoop, check_order_of_tokens, check_router};

/// A fault that a router can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum Fault {
    None,
    SameExpertTwice,
    NoSuchExpert,
    Weights,
    WeightsSum,
    Counts,
    SharedState,
    ForgetsState,
    KeepsOptionToItself,
    OrderOfTokens,
    RefusesAll,
    FailsWithoutSamples,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Faulty {
    fault: Fault,
    #[serde(skip_deserializing)]
    lost: u32,
    #[serde(skip)]
    batches: u32,
}

fn faulty(fault: Fault) -> Faulty {
    Faulty { fault, lost: u32::from(fault == Fault::KeepsOptionToItself), batches: 0 }
}

static CALLS: AtomicU32 = AtomicU32::new(0);

impl Router for Faulty {
    fn start(&mut self, _: &RouterContext<'_>) -> Result<(), RouterError> {
        match self.fault {
            Fault::RefusesAll => Err(RouterError::Failed("never".to_owned())),
            _ => Ok(()),
        }
    }

    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Decision<'_>,
    ) -> Result<(), RouterError> {
        self.batches += 1;
        if self.fault == Fault::FailsWithoutSamples && view.expert_temperatures().any(|degc| degc.is_none()) {
            return Err(RouterError::Failed("no temperature".to_owned()));
        }
        if self.fault == Fault::None {
            out.prices()[0] = self.batches as f32;
            return Ok(());
        }
        let first = match self.fault {
            Fault::SharedState => CALLS.fetch_add(1, Ordering::SeqCst),
            Fault::ForgetsState => self.batches,
            _ => 0,
        };
        let (experts, routing) = (gate.experts() as u32, out.routing());
        let k = routing.top_k();
        for (token, row) in routing.experts.chunks_exact_mut(k).enumerate() {
            let shift = if self.fault == Fault::OrderOfTokens { token as u32 } else { first };
            row.iter_mut().zip(shift..).for_each(|(expert, number)| *expert = number % experts);
            match self.fault {
                Fault::SameExpertTwice => row.fill(0),
                Fault::NoSuchExpert => row[0] = experts,
                _ => {}
            }
        }
        routing.weights.fill(match self.fault {
            Fault::Weights => f32::NAN,
            Fault::WeightsSum => 0.9 / k as f32,
            _ => 1.0 / k as f32,
        });
        if self.fault == Fault::Counts {
            routing.counts[0] = 1;
        }
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        if self.fault == Fault::ForgetsState { Vec::new() } else { state::save(&self.batches) }
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        if self.fault != Fault::ForgetsState {
            self.batches = state::load(state).map_err(RouterError::State)?;
        }
        Ok(())
    }
}

/// What the check says.
fn said(check: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = std::panic::catch_unwind(check).unwrap_err();
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_router_without_a_fault_passes() {
    check_router(&faulty(Fault::None));
    check_order_of_tokens(&faulty(Fault::None));
}

#[test]
fn every_fault_is_found_and_named() {
    for (fault, expected) in [
        (Fault::SameExpertTwice, "token 0 goes to expert 0 twice"),
        (Fault::NoSuchExpert, "token 0 goes to expert 8, but there are 8"),
        (Fault::Weights, "token 0 has the combine weight NaN"),
        (Fault::WeightsSum, "the weights of token 0 sum to 0.9, expected 1"),
        (Fault::Counts, "expert 0 is counted 1 times but chosen 96 times"),
        (Fault::SharedState, "two instances with the same inputs differ"),
        (Fault::ForgetsState, "a loaded state continues otherwise"),
        (Fault::KeepsOptionToItself, "options change when they are written and read"),
        (Fault::RefusesAll, "`start` refuses every layer that was tried"),
        (Fault::FailsWithoutSamples, "cannot route while no GPU has been read: no temperature"),
    ] {
        let found = said(move || check_router(&faulty(fault)));
        assert!(found.contains(expected), "{fault:?}: {found}");
    }
    let found = said(|| check_order_of_tokens(&faulty(Fault::OrderOfTokens)));
    assert!(found.contains("the routing of token 0 changes when the tokens come in reverse"), "{found}");
}

/// Sends every token to experts 0 and 1.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct FirstTwo {}

impl Router for FirstTwo {
    fn route(&mut self, _: &GateBatch<'_>, _: &ClusterView<'_>, out: &mut Decision<'_>) -> Result<(), RouterError> {
        let routing = out.routing();
        routing.experts.chunks_exact_mut(2).for_each(|row| row.copy_from_slice(&[0, 1]));
        routing.weights.fill(0.5);
        Ok(())
    }
}

#[test]
fn the_loop_counts_what_assignments_cost() {
    // 40 batches of 10 tokens, an assignment each at 1 J and at 3 J; from batch 30 on at 5 J and at 3 J.
    let scenario = ClosedLoop::new(&[1.0, 3.0, 9.0]).with_batches(40, 10).with_change_at(30, &[5.0, 3.0, 9.0]);
    let outcome = scenario.run(&FirstTwo {}).unwrap();
    assert_eq!(outcome.joules, 30.0 * 10.0 * 4.0 + 10.0 * 10.0 * 8.0);
    assert_eq!(outcome.saving(), 1.0 - outcome.joules / outcome.baseline_joules);
    assert!(outcome.saving() > 0.0 && outcome.mass_regret > 0.0, "{outcome:?}");
}
