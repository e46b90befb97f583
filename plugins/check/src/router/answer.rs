//! What a router has answered, held against what it may answer.

use isotherm_plugin_abi::{
    ADJUSTS_SCORES, ASSIGNMENT, COUNTED, DESCRIBED, DIVERGENCE, DROPPED, Decision, INFEASIBLE, PRICES, SCORES,
};

use super::inputs::BatchInputs;
use crate::handed::Handed;
use crate::memory::{Access, Array, PATTERN};
use crate::scene::Scene;

/// How far weights may be from a sum of 1: sums of single precision, however they are made.
const TOLERANCE: f64 = 1e-3;

/// Buffers of one decision.
#[derive(Debug)]
pub(super) struct Outputs {
    experts: Array<u32>,
    weights: Array<f32>,
    counts: Array<u32>,
    scores: Option<Array<f32>>,
    prices: Array<f32>,
}

/// A decision that keeps the rules, as bytes that can be compared.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) bytes: Vec<u8>,
    /// Chosen experts, where the router chose them itself.
    chosen: Option<Vec<u32>>,
}

impl Outputs {
    pub(super) fn new(scene: &Scene, inputs: &BatchInputs, flags: u32) -> Self {
        let slots = scene.tokens as usize * scene.top_k as usize;
        let experts = scene.experts as usize;
        // What is not preset holds no expert's number and no weight, so that a slot which is left out is seen.
        let unset = u32::from_ne_bytes([PATTERN; 4]);
        let scores = || Array::aligned("scores", inputs.logits.values(), 64, scene.edge, Access::Write);
        Self {
            experts: Array::new("experts", &vec![unset; slots], scene.edge, Access::Write),
            weights: Array::new("weights", &vec![f32::NAN; slots], scene.edge, Access::Write),
            counts: Array::new("counts", &vec![0; experts], scene.edge, Access::Write),
            scores: (flags & ADJUSTS_SCORES != 0).then(scores),
            prices: Array::new("prices", &vec![0.0; experts], scene.edge, Access::Write),
        }
    }

    pub(super) fn table(&self, scene: &Scene) -> Handed<Decision> {
        let decision = Decision {
            struct_size: 0,
            form: ASSIGNMENT,
            flags: 0,
            feasibility: 0,
            experts: self.experts.as_ptr(),
            weights: self.weights.as_ptr(),
            counts: self.counts.as_ptr(),
            scores: self.scores.as_ref().map_or(std::ptr::null_mut(), Array::as_ptr),
            prices: self.prices.as_ptr(),
            entropy_nats: 0.0,
            log_sum_exp: 0.0,
            kl_nats: 0.0,
            operations_per_token: 0.0,
        };
        Handed::new(&decision, scene.generation, scene.edge, Access::Write)
    }

    /// The first rule that is broken, or the answer.
    pub(super) fn check(&self, scene: &Scene, decision: &Decision, flags: u32) -> Result<Answer, String> {
        self.check_surroundings()?;
        self.check_pointers(decision)?;
        let mut answer = Answer::default();
        let mut keep = |bytes: &[u8]| answer.bytes.extend_from_slice(bytes);
        for word in [decision.form, decision.flags, decision.feasibility] {
            keep(&word.to_le_bytes());
        }
        for number in described(decision)? {
            keep(&number.to_bits().to_le_bytes());
        }
        match decision.form {
            ASSIGNMENT => {
                check_assignment(scene, self.experts.values(), self.weights.values())?;
                check_counts(decision, self.experts.values(), self.counts.values())?;
                self.experts.values().iter().for_each(|expert| keep(&expert.to_le_bytes()));
                self.weights.values().iter().for_each(|weight| keep(&weight.to_bits().to_le_bytes()));
                answer.chosen = Some(self.experts.values().to_vec());
            }
            SCORES if flags & ADJUSTS_SCORES == 0 => {
                return Err("answers with SCORES without the flag ADJUSTS_SCORES".to_owned());
            }
            SCORES => {
                let scores = self.scores.as_ref().map_or(&[][..], Array::values);
                all_finite("scores", scores)?;
                scores.iter().for_each(|score| keep(&score.to_bits().to_le_bytes()));
            }
            PRICES => {
                all_finite("prices", self.prices.values())?;
                self.prices.values().iter().for_each(|price| keep(&price.to_bits().to_le_bytes()));
            }
            other => return Err(format!("answers in the form {other}, which there is not")),
        }
        Ok(answer)
    }

    fn check_surroundings(&self) -> Result<(), String> {
        self.experts.check_surroundings()?;
        self.weights.check_surroundings()?;
        self.counts.check_surroundings()?;
        self.prices.check_surroundings()?;
        self.scores.as_ref().map_or(Ok(()), Array::check_surroundings)
    }

    /// Buffers belong to the host: a plugin that puts its own in their place is not read.
    fn check_pointers(&self, decision: &Decision) -> Result<(), String> {
        let scores = self.scores.as_ref().map_or(std::ptr::null_mut(), Array::as_ptr);
        let same = decision.experts == self.experts.as_ptr()
            && decision.weights == self.weights.as_ptr()
            && decision.counts == self.counts.as_ptr()
            && decision.scores == scores
            && decision.prices == self.prices.as_ptr();
        if same { Ok(()) } else { Err("replaced an address in the decision; buffers belong to the host".to_owned()) }
    }
}

impl Answer {
    /// Assignments per expert: of the experts chosen, else of the unpenalised top k, which is as good for feedback.
    pub(super) fn counts(&self, scene: &Scene, inputs: &BatchInputs) -> Vec<u32> {
        let mut counts = vec![0; scene.experts as usize];
        let chosen = self.chosen.as_deref().unwrap_or(inputs.reference_experts.values());
        chosen.iter().filter(|expert| **expert != DROPPED).for_each(|expert| counts[*expert as usize] += 1);
        counts
    }
}

/// The numbers that describe a decision, as far as the router says that it has filled them in.
fn described(decision: &Decision) -> Result<[f64; 4], String> {
    let flags = decision.flags;
    if flags & !(COUNTED | DESCRIBED | DIVERGENCE) != 0 {
        return Err(format!("sets flags of the decision that there are not: {flags:#x}"));
    }
    if decision.feasibility > INFEASIBLE {
        return Err(format!("answers feasibility {}, which there is not", decision.feasibility));
    }
    let number = |name: &str, given: bool, value: f64| match value {
        _ if !given => Ok(0.0),
        value if value.is_finite() => Ok(value),
        value => Err(format!("answers {value} as `{name}`")),
    };
    let operations = number("operations_per_token", true, decision.operations_per_token)?;
    if operations < 0.0 {
        return Err(format!("answers {operations} as `operations_per_token`"));
    }
    Ok([
        operations,
        number("entropy_nats", flags & DESCRIBED != 0, decision.entropy_nats)?,
        number("log_sum_exp", flags & DESCRIBED != 0, decision.log_sum_exp)?,
        number("kl_nats", flags & DIVERGENCE != 0, decision.kl_nats)?,
    ])
}

fn all_finite(name: &str, values: &[f32]) -> Result<(), String> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("`{name}`[{at}] is {}", values[at])),
        None => Ok(()),
    }
}

fn check_assignment(scene: &Scene, experts: &[u32], weights: &[f32]) -> Result<(), String> {
    let k = scene.top_k as usize;
    for (token, (chosen, weights)) in experts.chunks_exact(k).zip(weights.chunks_exact(k)).enumerate() {
        let mut sum = None;
        for (slot, (expert, weight)) in chosen.iter().zip(weights).enumerate() {
            if *expert == u32::from_ne_bytes([PATTERN; 4]) {
                return Err(format!("token {token} has no expert in slot {slot} of {k}: nothing was written there"));
            }
            if *expert != DROPPED && *expert >= scene.experts {
                return Err(format!("token {token} goes to expert {expert}, but there are {}", scene.experts));
            }
            if *expert != DROPPED && chosen[..slot].contains(expert) {
                return Err(format!("token {token} goes to expert {expert} twice"));
            }
            if !(0.0..=f32::MAX).contains(weight) {
                return Err(format!("token {token} has the combine weight {weight} in slot {slot}"));
            }
            if *expert != DROPPED {
                sum = Some(sum.unwrap_or(0.0) + f64::from(*weight));
            }
        }
        if let Some(sum) = sum.filter(|sum| (sum - 1.0).abs() > TOLERANCE) {
            return Err(format!("the combine weights of token {token} sum to {sum}, not 1"));
        }
    }
    Ok(())
}

fn check_counts(decision: &Decision, experts: &[u32], counts: &[u32]) -> Result<(), String> {
    if decision.flags & COUNTED == 0 {
        return Ok(());
    }
    let mut chosen = vec![0_u32; counts.len()];
    experts.iter().filter(|expert| **expert != DROPPED).for_each(|expert| chosen[*expert as usize] += 1);
    match chosen.iter().zip(counts).position(|(chosen, counted)| chosen != counted) {
        Some(e) => Err(format!("expert {e} is counted {} times but chosen {} times", counts[e], chosen[e])),
        None => Ok(()),
    }
}
