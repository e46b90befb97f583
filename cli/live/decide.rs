//! Routing outside of a simulation: from what was seen to who serves what. The live run and its replay decide here, so that the same record
//! gives the same decisions.

use isotherm_core::dispatch::{CopyChoice, TokenSources};
use isotherm_core::gate::{Fidelity, GateBatch};
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::load::Share;
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, Feedback, PerLayer, Router, RouterContext};
use isotherm_core::routing::Routing;
use isotherm_core::telemetry::Sample;
use isotherm_core::tier::Tier;
use isotherm_core::time::SimTime;
use isotherm_core::world::Sharing;
use sha2::{Digest, Sha256};

use super::stream::Stream;
use crate::execute;
use crate::fault::Fault;
use crate::scenario_file::{ScenarioFile, hex};

/// One router of a scenario with what it is shown.
pub struct Decider {
    router: Box<dyn Router>,
    declared: Vec<f64>,
    placement: Placement,
    gpus: Vec<GpuId>,
    copies: CopyChoice,
    samples: Vec<Sample>,
    revision: u64,
    routing: Routing<'static>,
    sharing: Sharing,
}

/// What the meters say of a layer that has passed, one entry an expert.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Told {
    /// When the router was told, since the start of the run.
    pub at: SimTime,
    /// Energy above idle (J).
    pub joules: Vec<f64>,
    /// Time (s).
    pub seconds: Vec<f64>,
}

impl Decider {
    /// The router `variant` of `world` in its initial state.
    ///
    /// # Errors
    /// [`Fault::Scenario`] for what a live run cannot do: an oracle, changes, placements that move.
    pub fn new(file: &ScenarioFile, world: usize, variant: usize, stream: &Stream) -> Result<Self, Fault> {
        let plan = &file.plan.worlds[world];
        let (scenario, variant) = (&plan.scenario, &plan.variants[variant]);
        check(file, world, variant.spec.uses_oracle())?;
        let spec = execute::world_spec(file, world, &stream.arrivals(1))?;
        let (declared, _) = spec.declared_costs();
        let (experts, top_k) = (spec.experts as usize, spec.top_k as usize);
        let context = RouterContext::new(experts, top_k, &declared, scenario.seed)
            .with_options(&variant.options)
            .with_hardware(&spec.placement, scenario.hardware.thermal_hint());
        let router = PerLayer::build(variant.spec.as_ref(), &context, spec.layers)
            .map_err(|error| Fault::Scenario(format!("error: router `{}`: {error}", variant.label)))?;
        Ok(Self {
            router,
            placement: spec.placement,
            gpus: (0..spec.gpus).map(GpuId).collect(),
            copies: spec.dispatch.copies,
            samples: vec![Sample::default(); spec.gpus as usize],
            revision: 1,
            routing: Routing::new(experts, top_k),
            sharing: Sharing::default(),
            declared,
        })
    }

    /// From now on the router is shown these samples; says whether they are others than before.
    pub fn see(&mut self, samples: &[Sample]) -> bool {
        let others = self.samples != samples;
        if others {
            self.samples.clear();
            self.samples.extend_from_slice(samples);
            self.revision += 1;
        }
        others
    }

    /// Routes a layer of a batch; [`Decider::routing`] is the result.
    ///
    /// # Errors
    /// What the router says, or what is wrong with its routing.
    pub fn route(&mut self, now: SimTime, batch: u32, layer: u32, gate: &GateBatch<'_>) -> Result<(), String> {
        let view = ClusterView::empty()
            .with_declared_costs(&self.declared)
            .at(now, BatchId(batch), &self.placement, &self.samples)
            .with_sources(TokenSources::new(&self.gpus, self.gpus.len()))
            .in_layer(layer)
            .of_revision(self.revision);
        self.router.route(gate, &view, &mut self.routing).map_err(|error| error.to_string())?;
        self.routing.check().map_err(|fault| fault.to_string())
    }

    /// Tells the router what the routed layer took.
    ///
    /// # Errors
    /// What the router says.
    pub fn tell(&mut self, batch: u32, layer: u32, told: &Told) -> Result<(), String> {
        let feedback = Feedback::new(told.at, BatchId(batch), &self.routing.counts, &told.joules, &told.seconds);
        self.router.feedback(&feedback.in_layer(layer)).map_err(|error| error.to_string())
    }

    /// The last routing.
    #[must_use]
    pub fn routing(&self) -> &Routing<'static> {
        &self.routing
    }

    /// How far it departs from what the gate alone would have done.
    #[must_use]
    pub fn fidelity(&self, gate: &GateBatch<'_>) -> Fidelity {
        gate.fidelity(&self.routing)
    }

    /// What each GPU has to do for it, shared out as a simulation does.
    #[must_use]
    pub fn shares(&mut self) -> Vec<Share> {
        self.sharing.share_out(self.copies, &self.routing, &self.placement, self.gpus.len())
    }

    /// Fingerprint of the last routing: every token's experts and weights.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut bytes = Vec::with_capacity(8 * self.routing.experts.len());
        for (expert, weight) in self.routing.experts.iter().zip(self.routing.weights.iter()) {
            bytes.extend(expert.to_le_bytes());
            bytes.extend(weight.to_bits().to_le_bytes());
        }
        hash.update(&bytes);
        hex(&hash.finalize()[..8])
    }

    /// Energy of an assignment at each expert as declared (J).
    #[must_use]
    pub fn declared(&self) -> &[f64] {
        &self.declared
    }
}

/// Refuses what only a simulation can do, in any router of any world: before GPUs work for minutes.
///
/// # Errors
/// [`Fault::Scenario`].
pub(super) fn check_all(file: &ScenarioFile) -> Result<(), Fault> {
    let worlds = file.plan.worlds.iter().enumerate();
    let mut variants = worlds.flat_map(|(world, plan)| plan.variants.iter().map(move |variant| (world, variant)));
    variants.try_for_each(|(world, variant)| check(file, world, variant.spec.uses_oracle()))
}

fn check(file: &ScenarioFile, world: usize, oracle: bool) -> Result<(), Fault> {
    let scenario = &file.plan.worlds[world].scenario;
    let refuse = |key: &str, why: &str| Err(Fault::Scenario(format!("error: {key}: {why}, which a live run cannot")));
    if oracle {
        return refuse("router", "an oracle is shown the truth");
    }
    if scenario.tier.kind != Tier::Token {
        return refuse("tier.kind", "assignments are drawn without tokens");
    }
    if !scenario.change.is_empty() {
        return refuse("change", "the scenario changes the hardware or its costs on the way");
    }
    if scenario.placement.as_ref().is_some_and(|policy| policy.rebalance().is_some()) {
        return refuse("placement.rebalance", "experts move during the run");
    }
    if scenario.dispatch.copies == CopyChoice::BySpeed {
        return refuse("dispatch.copies", "copies are chosen by the speed that a simulation measures");
    }
    Ok(())
}
