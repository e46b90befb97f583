//! The plugin under test: one of each kind, which does as its options say and remembers what it was shown.

use isotherm_plugin::prelude::*;
use isotherm_plugin::router::{Router as CoreRouter, RouterSpec};
use isotherm_plugin::typetag;

/// What a [`Probe`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Act {
    /// Leaves everything as it is.
    #[default]
    Nothing,
    Prices,
    Scores,
    Assign,
    AssignUncounted,
    Replace,
    Fail,
    OptionInStart,
    PanicInStart,
    PanicInRoute,
    PanicInFeedback,
    PanicInSave,
    PanicInLoad,
    PanicInDrop,
    PanicWithNumber,
}

/// Does as it is told.
///
/// And remembers what it was shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    /// What to do.
    #[serde(default)]
    pub(crate) act: Act,
    /// Price of expert 0 (nats).
    #[serde(default = "one")]
    pub(crate) price: f32,
    /// Whether to be an oracle.
    #[serde(default)]
    pub(crate) oracle: bool,
    #[serde(skip)]
    seen: Vec<String>,
}

fn one() -> f32 {
    1.0
}

impl Router for Probe {
    const ADJUSTS_SCORES: bool = true;

    fn start(&mut self, context: &RouterContext<'_>) -> Result<(), RouterError> {
        match self.act {
            Act::PanicInStart => panic!("start of {} experts", context.experts),
            Act::OptionInStart => Err(RouterError::Option {
                option: "price",
                message: "does not fit; for example `price = 1.0`".to_owned(),
            }),
            _ => {
                self.seen.push(format!("{context:?}"));
                Ok(())
            }
        }
    }

    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Decision<'_>,
    ) -> Result<(), RouterError> {
        // Formatting allocates; the test of that looks at what comes without.
        if self.act != Act::Nothing {
            self.seen.push(format!("{view:?}"));
            self.seen.push(format!("{:?}", gate.parts()));
        }
        match self.act {
            Act::Prices => out.prices()[0] = self.price,
            Act::Scores => out.scores()?.iter_mut().step_by(gate.experts()).for_each(|score| *score -= self.price),
            Act::Assign | Act::AssignUncounted => {
                let routing = out.routing();
                routing.experts.copy_from_slice(&gate.reference().experts);
                routing.weights.copy_from_slice(&gate.reference().weights);
                if self.act == Act::Assign {
                    routing.count();
                    routing.gate = Some(GateSummary { entropy_nats: 1.5, log_sum_exp: 2.5, kl_nats: Some(0.25) });
                }
            }
            Act::Replace => out.routing().experts = gate.reference().experts.to_vec().into(),
            Act::Fail => return Err(RouterError::Failed("as it was told".to_owned())),
            Act::PanicInRoute => panic!("route of {} tokens", gate.tokens()),
            Act::PanicWithNumber => std::panic::panic_any(7),
            _ => {}
        }
        Ok(())
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        if self.act == Act::PanicInFeedback {
            panic!("feedback of {}", feedback.batch);
        }
        self.seen.push(format!("{feedback:?}"));
        Ok(())
    }

    fn feasibility(&self) -> Option<Feasibility> {
        self.oracle.then_some(Feasibility::Infeasible)
    }

    fn operations_per_token(&self) -> f64 {
        f64::from(self.price)
    }

    fn save(&self) -> Vec<u8> {
        if self.act == Act::PanicInSave {
            panic!("save");
        }
        state::save(&self.seen)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        if self.act == Act::PanicInLoad {
            panic!("load of {} bytes", state.len());
        }
        self.seen = state::load(state).map_err(RouterError::State)?;
        Ok(())
    }

    fn uses_oracle(&self) -> bool {
        self.oracle
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        // Only an instance has seen something, and only while nothing else is wrong.
        if self.act == Act::PanicInDrop && self.seen.len() > 1 && !std::thread::panicking() {
            panic!("drop");
        }
    }
}

/// A router with the core's own trait.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstExperts {
    /// Which expert is the first.
    #[serde(default)]
    pub(crate) from: u32,
}

#[typetag::serde(name = "first-experts")]
impl RouterSpec for FirstExperts {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn CoreRouter>, RouterError> {
        if self.from as usize + context.top_k > context.experts {
            return Err(RouterError::Option { option: "from", message: "is too far on".to_owned() });
        }
        Ok(Box::new(First { from: self.from, batches: 0 }))
    }

    fn is_reference(&self) -> bool {
        self.from == 0
    }
}

#[derive(Debug)]
struct First {
    from: u32,
    batches: u32,
}

impl CoreRouter for First {
    fn route(&mut self, gate: &GateBatch<'_>, _: &ClusterView<'_>, out: &mut Routing<'_>) -> Result<(), RouterError> {
        self.batches += 1;
        out.reset(gate.tokens());
        let k = out.top_k();
        for row in out.experts.chunks_exact_mut(k) {
            row.iter_mut().zip(self.from..).for_each(|(expert, number)| *expert = number);
        }
        out.weights.fill(1.0 / k as f32);
        out.count();
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.batches)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), RouterError> {
        self.batches = state::load(state).map_err(RouterError::State)?;
        Ok(())
    }
}

/// Reads the truth, with an error that grows with every poll.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Drifting {
    /// Time between two polls.
    #[serde(default = "hundred_ms")]
    #[schemars(with = "String")]
    period: SimDuration,
    /// Error of a poll more (K).
    kelvin: f64,
    #[serde(skip)]
    polls: u32,
}

fn hundred_ms() -> SimDuration {
    SimDuration::from_millis(100)
}

impl Telemetry for Drifting {
    fn period(&self) -> SimDuration {
        self.period
    }

    fn start(&mut self, gpus: usize, _: u64) -> Result<(), TelemetryError> {
        if gpus > 8 {
            return Err(TelemetryError::Option { option: "kelvin", message: format!("too many for {gpus} GPUs") });
        }
        Ok(())
    }

    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        self.polls += 1;
        assert!(self.polls < 4, "poll {} at {now}", self.polls);
        // The last GPU is never read.
        let last = truth.len() - 1;
        for (sample, truth) in out.iter_mut().zip(&truth[..last]) {
            let degc = truth.temperature.get() + self.kelvin * f64::from(self.polls);
            *sample = Sample { taken_at: now, temperature: Some(Celsius::new(degc)), power: None };
        }
        Ok(())
    }

    fn warning(&self) -> Option<&'static str> {
        (self.kelvin > 1.0).then_some("it drifts")
    }

    fn prescribes_temperature(&self) -> bool {
        self.kelvin < 0.0
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.polls)
    }

    fn load(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        self.polls = state::load(state).map_err(TelemetryError::State)?;
        Ok(())
    }
}

/// The experts with copies where they are, all others on GPU `home`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct AllOn {
    /// The GPU.
    home: u32,
}

impl PlacementPolicy for AllOn {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        if context.lost.contains(&GpuId(self.home)) {
            panic!("GPU {} of {context:?} is lost", self.home);
        }
        if self.home as usize >= context.gpus {
            return Err(PlacementError::Option { option: "home", message: format!("there are {}", context.gpus) });
        }
        let home = |expert: usize| match context.current {
            Some(placement) if placement.copies(ExpertId(expert as u32)).len() > 1 => {
                placement.copies(ExpertId(expert as u32)).to_vec()
            }
            _ => vec![GpuId(self.home)],
        };
        Placement::new(context.gpus, (0..context.experts).map(home).collect())
    }

    fn rebalance(&self) -> Option<Rebalance> {
        (self.home > 0).then_some(Rebalance { every_batches: self.home })
    }
}

/// Takes as long as it is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pretended {
    /// Time of an assignment (s); a load that fails where it is negative.
    #[serde(default = "one")]
    seconds: f32,
}

impl LoadSpec for Pretended {
    fn build(&self, shape: &LoadShape) -> Result<Box<dyn Load>, LoadError> {
        if shape.devices.contains(&9) {
            return Err(LoadError::Unfit(format!("there is no device 9 for {shape:?}")));
        }
        let names = shape.devices.iter().map(|device| format!("device {device}")).collect();
        Ok(Box::new(Pretender { seconds: f64::from(self.seconds), names }))
    }
}

struct Pretender {
    seconds: f64,
    names: Vec<String>,
}

impl Load for Pretender {
    fn devices(&self) -> &[String] {
        &self.names
    }

    fn execute(&mut self, shares: &[Share], seconds: &mut [f64]) -> Result<(), LoadError> {
        if self.seconds < 0.0 {
            return Err(LoadError::Failed(format!("told to fail on {shares:?}")));
        }
        for (share, seconds) in shares.iter().zip(seconds) {
            let assignments: u32 = share.iter().map(|(_, assignments)| assignments).sum();
            assert!(assignments < 1000, "{assignments} assignments");
            *seconds = self.seconds * f64::from(assignments);
        }
        Ok(())
    }
}

// Both forms at once, which no author's crate has: the feature decides there.
isotherm_plugin::__export_library! {
    routers: [Probe = "test/probe"],
    telemetry: [Drifting = "test/drifting"],
    placements: [AllOn = "test/all-on"],
    loads: [Pretended = "test/pretended"],
    router_specs: [
        FirstExperts = "test/first-experts",
        FirstExperts = "test/second-experts" => r#"{"from": 1}"#,
    ],
}
isotherm_plugin::__export_linked! {
    routers: [Probe = "test/probe"],
    telemetry: [Drifting = "test/drifting"],
    placements: [AllOn = "test/all-on"],
    loads: [Pretended = "test/pretended"],
}
