//! What a module has decided, made into a routing. Nothing of it is believed before it has been looked at.

use isotherm_core::gate::GateBatch;
use isotherm_core::router::Feasibility;
use isotherm_core::routing::{GateSummary, Routing, Rule, Selector};
use isotherm_plugin_abi::{
    ADJUSTS_SCORES, ASSIGNMENT, COUNTED, DESCRIBED, DIVERGENCE, FEASIBLE, INFEASIBLE, PRICES, SCORES,
};

use super::arrays::Laid;
use crate::guest::{Fields, Sandbox};
use crate::stop::Stop;

/// The numbers of an `IsothermDecision`. Its pointers are the host's own and not read again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decided {
    form: u32,
    flags: u32,
    feasibility: u32,
    entropy_nats: f64,
    log_sum_exp: f64,
    kl_nats: f64,
    operations_per_token: f64,
}

/// Bytes of an `IsothermDecision` on wasm32.
const DECISION: usize = 72;

/// Why a decision cannot be used.
pub(super) enum Unusable {
    Stopped(Stop),
    /// It is not what the interface says; a sentence.
    Broken(String),
}

impl From<Stop> for Unusable {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

/// What all decisions of an instance are made into routings with.
#[derive(Debug)]
pub(super) struct Taker {
    pub(super) selector: Selector,
    /// Flags of the table of functions.
    pub(super) flags: u32,
    prices: Vec<f32>,
    scores: Vec<f32>,
}

impl Taker {
    pub(super) fn new(selector: Selector, flags: u32) -> Self {
        Self { selector, flags, prices: Vec::new(), scores: Vec::new() }
    }

    pub(super) fn adjusts_scores(&self) -> bool {
        self.flags & ADJUSTS_SCORES != 0
    }

    /// Makes a routing of what stands in the module's memory.
    pub(super) fn take(
        &mut self,
        sandbox: &Sandbox,
        laid: &Laid,
        gate: &GateBatch<'_>,
        out: &mut Routing<'_>,
    ) -> Result<Decided, Unusable> {
        let decided = Decided::read(sandbox, laid.decision)?;
        match decided.form {
            ASSIGNMENT => assign(sandbox, laid, &decided, gate, out)?,
            PRICES => {
                self.prices.resize(gate.experts(), 0.0);
                sandbox.read(laid.prices, &mut self.prices)?;
                self.selector.select(gate, Rule::PricedLogit { price: &self.prices }, None, out);
            }
            SCORES if self.adjusts_scores() => {
                self.scores.resize(gate.logits().len(), 0.0);
                sandbox.read(laid.scores, &mut self.scores)?;
                self.selector.select(gate, Rule::Given { scores: &self.scores }, None, out);
            }
            SCORES => {
                let fault = "it adjusts scores, but its table of functions does not say so";
                return Err(Unusable::Broken(fault.to_owned()));
            }
            form => {
                let fault = format!("there is no form {form} of a decision; expected 0, 1 or 2");
                return Err(Unusable::Broken(fault));
            }
        }
        decided.describe(out)?;
        Ok(decided)
    }
}

/// Copies an assignment and checks it: the core would too, but not say whose it is.
fn assign(
    sandbox: &Sandbox,
    laid: &Laid,
    decided: &Decided,
    gate: &GateBatch<'_>,
    out: &mut Routing<'_>,
) -> Result<(), Unusable> {
    out.reset(gate.tokens());
    sandbox.read(laid.experts, &mut out.experts)?;
    sandbox.read(laid.weights, &mut out.weights)?;
    if decided.flags & COUNTED == 0 {
        out.count();
    } else {
        sandbox.read(laid.counts, &mut out.counts)?;
    }
    out.check().map_err(|fault| Unusable::Broken(fault.to_string()))
}

impl Decided {
    fn read(sandbox: &Sandbox, at: u32) -> Result<Self, Stop> {
        let mut fields = Fields::of(sandbox.bytes(at, DECISION, "a decision")?);
        fields.skip::<u32>(1);
        let (form, flags, feasibility) = (fields.word(), fields.word(), fields.word());
        fields.skip::<u32>(5);
        let (entropy_nats, log_sum_exp) = (fields.word(), fields.word());
        let (kl_nats, operations_per_token) = (fields.word(), fields.word());
        Ok(Self { form, flags, feasibility, entropy_nats, log_sum_exp, kl_nats, operations_per_token })
    }

    /// What the module says of the distribution that it has selected from, over what the kernel has found.
    fn describe(&self, out: &mut Routing<'_>) -> Result<(), Unusable> {
        let described = self.flags & DESCRIBED != 0;
        let kl_nats = (self.flags & DIVERGENCE != 0).then_some(self.kl_nats);
        for (given, what, value) in [
            (described, "entropy_nats", self.entropy_nats),
            (described, "log_sum_exp", self.log_sum_exp),
            (kl_nats.is_some(), "kl_nats", self.kl_nats),
        ] {
            if given && !value.is_finite() {
                return Err(Unusable::Broken(format!("`{what}` is {value}; expected a finite number")));
            }
        }
        if described {
            let Self { entropy_nats, log_sum_exp, .. } = *self;
            out.gate = Some(GateSummary { entropy_nats, log_sum_exp, kl_nats });
        } else if let (Some(gate), Some(_)) = (&mut out.gate, kl_nats) {
            gate.kl_nats = kl_nats;
        }
        Ok(())
    }

    pub(super) fn feasibility(&self) -> Result<Option<Feasibility>, Unusable> {
        match self.feasibility {
            0 => Ok(None),
            FEASIBLE => Ok(Some(Feasibility::Feasible)),
            INFEASIBLE => Ok(Some(Feasibility::Infeasible)),
            other => Err(Unusable::Broken(format!("there is no feasibility {other}; expected 0, 1 or 2"))),
        }
    }

    pub(super) fn operations(&self) -> Result<f64, Unusable> {
        let operations = self.operations_per_token;
        // Written so that NaN fails.
        if (0.0..=f64::MAX).contains(&operations) {
            return Ok(operations);
        }
        Err(Unusable::Broken(format!("{operations} operations a token; expected a number of at least 0")))
    }
}
