//! What a run leaves behind: plain results, the sole input of every table and file.

use serde::{Deserialize, Serialize};

use crate::fleet::FleetRecord;
use crate::frontier::Frontier;
use crate::gate::Fidelity;
use crate::hardware::ClockReason;
use crate::metrics::LoadBalance;
use crate::routing::GateSummary;
use crate::time::SimTime;

/// One finished batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchRecord {
    /// Index of the batch in the stream.
    pub batch: u32,
    /// When it arrived.
    pub arrived: SimTime,
    /// When it was routed.
    pub dispatched: SimTime,
    /// When its work started: after the router's own time.
    pub started: SimTime,
    /// When its slowest GPU was done.
    pub finished: SimTime,
    /// Tokens of the batch.
    pub tokens: u32,
    /// Assignments that no expert served.
    pub dropped: u32,
    /// Energy of its assignments, of the router and of weights that moved before it, without idle power (J).
    pub energy_joules: f64,
    /// The part spent at hot experts (J).
    pub hot_joules: f64,
    /// Assignments at hot experts.
    pub hot_assignments: u32,
    /// Number of experts that were hot, over all layers.
    pub hot_experts: u32,
    /// MoE layers it has passed.
    pub layers: u32,
    /// Assignments per expert, layer after layer.
    pub usage: Vec<u32>,
    /// Departure from the unpenalised routing of the same tokens, mean over layers.
    pub fidelity: Fidelity,
    /// Entropy of the distribution the router selected from (nats), mean over layers, where it has one.
    pub gate_entropy_nats: Option<f64>,
    /// KL divergence from the unpenalised gate to that distribution (nats), mean over layers, where it is one of the router's own.
    pub gate_kl_nats: Option<f64>,
    /// Share of its set that a token does not have in common with the token before it, mean over layers; `None` for a single token.
    pub route_churn: Option<f64>,
    /// Assignments that were served while something held their GPU back, a job in parts as they were done; `None` where clocks are
    /// not modelled.
    pub throttled_assignments: Option<f64>,
    /// True die temperature of each GPU when the batch finished (degC).
    pub temperatures: Vec<f32>,
    /// What else was read off the GPUs then.
    pub gpus: GpuReadings,
}

/// What was read off every GPU when a batch finished; one entry per GPU, or none where the quantity is not modelled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuReadings {
    /// Mean power since the batch before finished, or since the start (W). Batches follow each other without a gap: times their
    /// lengths these are the energy of the GPUs.
    pub power_w: Vec<f32>,
    /// Clock at that instant (MHz).
    pub clock_mhz: Vec<f32>,
    /// True temperature of the memory at that instant (degC).
    pub memory_temperature_degc: Vec<f32>,
    /// Time it worked on this batch (s), exchange between GPUs included: after the router's own time, without waiting for others.
    pub busy_s: Vec<f32>,
}

/// A stretch of time in which something held a GPU back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThrottleInterval {
    /// Which GPU.
    pub gpu: u32,
    /// What held it back.
    pub reason: ClockReason,
    /// From when on.
    pub from: SimTime,
    /// Until when.
    pub until: SimTime,
}

/// How a temperature limit was kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LimitRecord {
    /// The limit of the die (degC).
    pub celsius: f64,
    /// Integral of max(T - limit, 0) over time, summed over the GPUs (K s).
    pub degree_seconds: f64,
    /// When a GPU last came down to 1 K above the limit; the start of the run if none was ever above that, `None` if one still is.
    pub settled_at: Option<SimTime>,
}

/// Energy that the facility spent beside the GPUs (J).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FacilityEnergy {
    /// Fans or pumps.
    pub fans: f64,
    /// Chillers: the heat of everything over their coefficient of performance.
    pub chillers: f64,
    /// The rest of the node.
    pub other: f64,
    /// Lost in power distribution.
    pub distribution: f64,
    /// Largest change of an inlet temperature at one refresh (K): bounds the error of treating it as constant in between.
    pub inlet_step: f64,
}

/// Everything a run measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// One entry per batch, in order of completion.
    pub batches: Vec<BatchRecord>,
    /// When the last batch was done.
    pub ended: SimTime,
    /// Idle energy of all GPUs over the whole run (J).
    pub idle_joules: f64,
    /// Energy of the router's own work (J).
    pub router_joules: f64,
    /// All energy that entered the GPUs, integrated from their power (J).
    pub gpu_joules: f64,
    /// One entry per MoE layer of a model that has several; empty for one layer, of which the batches say all.
    pub layers: Vec<LayerRecord>,
    /// How often experts were placed again.
    pub placements: u32,
    /// Copies of experts that moved to another GPU, of all layers.
    pub moved_experts: u64,
    /// Energy of moving them (J); part of the energy of the batches that waited for it.
    pub moving_joules: f64,
    /// Time in which weights moved and nothing else happened (s).
    pub moving_seconds: f64,
    /// Assignments that were sent to a GPU.
    pub sent_assignments: u64,
    /// Those of them that were served on their token's own GPU.
    pub local_assignments: f64,
    /// Growth of the heat stored in the GPUs (J); zero where temperatures are prescribed.
    pub stored_joules: f64,
    /// Heat given to the ambient (J); zero where temperatures are prescribed.
    pub removed_joules: f64,
    /// Highest die temperature of any GPU at any settled instant (degC); `None` where nothing has a temperature.
    pub peak_temperature: Option<f64>,
    /// GPU-seconds above the temperature limit (s), with exact crossing times.
    pub seconds_above_limit: f64,
    /// How the temperature limit was kept; `None` without a limit, or where temperatures are prescribed.
    pub limit: Option<LimitRecord>,
    /// Highest memory temperature of any GPU at any settled instant (degC); `None` where nothing has a temperature.
    pub memory_peak_temperature: Option<f64>,
    /// The part of the GPUs' energy that leakage is (J); zero in a table.
    pub leakage_joules: f64,
    /// Clock of each GPU over time, summed (MHz s); empty where clocks are not modelled.
    pub clock_mhz_seconds: Vec<f64>,
    /// Power cap of every GPU on the mean of a second (W); `None` without one, and where clocks are not modelled.
    pub power_cap: Option<f64>,
    /// Mean power of a GPU over the second before every tenth of a second, from 1 s on, all GPUs (W); empty where clocks are not
    /// modelled.
    pub power_means: Vec<f32>,
    /// What held GPUs back, in the order in which it ended.
    pub throttled: Vec<ThrottleInterval>,
    /// GPUs that switched themselves off, with the instant.
    pub lost: Vec<(u32, SimTime)>,
    /// Batches at which the router said that no routing keeps its limit; `None` for routers without one.
    pub infeasible_batches: Option<u32>,
    /// What the facility spent; `None` without a `[hardware.cooling]`.
    pub facility: Option<FacilityEnergy>,
    /// The frontier of the run's tokens: its own where costs move with the clock or with temperatures; where they do not, the one
    /// of all runs on these tokens, kept with the baseline's.
    pub frontier: Option<Frontier>,
    /// What a fleet measured beside; `None` for a run of one group. Its batches are windows.
    pub fleet: Option<Box<FleetRecord>>,
    /// Fingerprint of all events and of the energies, in order.
    pub trace: u64,
    /// Events handled.
    pub events: u64,
}

/// What the routing of one batch in one layer measured, means over its tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoutingMeans {
    pub(crate) fidelity: Fidelity,
    pub(crate) gate_entropy_nats: Option<f64>,
    pub(crate) gate_kl_nats: Option<f64>,
    /// Over pairs of tokens.
    pub(crate) route_churn: Option<f64>,
}

impl RoutingMeans {
    /// What was measured of one routing: how far it departs, the router's own distribution where it has one, and churn.
    pub(crate) fn of(fidelity: Fidelity, own: Option<GateSummary>, route_churn: Option<f64>) -> Self {
        Self {
            fidelity,
            gate_entropy_nats: own.map(|gate| gate.entropy_nats),
            gate_kl_nats: own.and_then(|gate| gate.kl_nats),
            route_churn,
        }
    }

    /// Moves these means towards others by a share of the way; the first ones are taken as they are.
    pub(crate) fn move_towards(&mut self, other: &Self, share: f64, first: bool) {
        self.fidelity = self.fidelity.towards(&other.fidelity, share);
        self.gate_entropy_nats = mean_towards(self.gate_entropy_nats, other.gate_entropy_nats, share, first);
        self.gate_kl_nats = mean_towards(self.gate_kl_nats, other.gate_kl_nats, share, first);
        self.route_churn = mean_towards(self.route_churn, other.route_churn, share, first);
    }
}

/// What a run did in one MoE layer, over all batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// Tokens that passed it.
    pub tokens: u64,
    /// Assignments that no expert served.
    pub dropped: u64,
    /// Assignments per expert.
    pub usage: Vec<u64>,
    /// Energy of the assignments (J).
    pub energy_joules: f64,
    /// Time that batches spent in it (s).
    pub seconds: f64,
    /// Departure from the unpenalised routing of the same tokens, mean over tokens.
    pub fidelity: Fidelity,
    /// Entropy of the distribution the router selected from (nats), mean over tokens, where it has one.
    pub gate_entropy_nats: Option<f64>,
    /// KL divergence from the layer's unpenalised gate to that distribution (nats), mean over tokens, where it is one of the router's own.
    pub gate_kl_nats: Option<f64>,
}

impl LayerRecord {
    /// Empty records for a model of `layers` layers; none for a single layer.
    #[must_use]
    pub(crate) fn for_each(layers: u32) -> Vec<Self> {
        if layers > 1 { vec![Self::default(); layers as usize] } else { Vec::new() }
    }

    pub(crate) fn add_routing(&mut self, tokens: u32, dropped: u32, routed: &RoutingMeans) {
        let first = self.tokens == 0;
        self.tokens += u64::from(tokens);
        let share = ratio(f64::from(tokens), self.tokens as f64);
        self.dropped += u64::from(dropped);
        self.fidelity = self.fidelity.towards(&routed.fidelity, share);
        self.gate_entropy_nats = mean_towards(self.gate_entropy_nats, routed.gate_entropy_nats, share, first);
        self.gate_kl_nats = mean_towards(self.gate_kl_nats, routed.gate_kl_nats, share, first);
    }

    pub(crate) fn add_work(&mut self, assignments: &[u32], joules: &[f64], seconds: f64) {
        self.usage.resize(assignments.len(), 0);
        self.usage.iter_mut().zip(assignments).for_each(|(sum, n)| *sum += u64::from(*n));
        self.energy_joules += joules.iter().sum::<f64>();
        self.seconds += seconds;
    }

    /// Spread of the work over the experts.
    #[must_use]
    pub fn load(&self) -> LoadBalance {
        LoadBalance::of(&self.usage.iter().map(|n| *n as f64).collect::<Vec<_>>())
    }
}

/// A running mean of a quantity that may be absent; once absent, always absent.
fn mean_towards(mean: Option<f64>, value: Option<f64>, share: f64, first: bool) -> Option<f64> {
    if first { value } else { Some(mean? + share * (value? - mean?)) }
}

impl BatchRecord {
    /// The record of a batch that has just been dispatched.
    #[must_use]
    pub(crate) fn begun(batch: u32, arrived: SimTime, dispatched: SimTime) -> Self {
        Self { batch, arrived, dispatched, started: dispatched, finished: dispatched, ..Self::default() }
    }

    /// Takes the fidelity of one more layer into the means.
    pub(crate) fn add_layer(&mut self, layer: u32, routed: &RoutingMeans) {
        self.layers = layer + 1;
        let (share, first) = (1.0 / f64::from(self.layers), layer == 0);
        self.fidelity = self.fidelity.towards(&routed.fidelity, share);
        self.gate_entropy_nats = mean_towards(self.gate_entropy_nats, routed.gate_entropy_nats, share, first);
        self.gate_kl_nats = mean_towards(self.gate_kl_nats, routed.gate_kl_nats, share, first);
        self.route_churn = mean_towards(self.route_churn, routed.route_churn, share, first);
    }

    /// Assignments served.
    #[must_use]
    pub fn assignments(&self) -> u64 {
        self.usage.iter().map(|n| u64::from(*n)).sum()
    }

    /// Share of the assignments at hot experts; 0 where nothing was served.
    #[must_use]
    pub fn hot_share(&self) -> f64 {
        ratio(f64::from(self.hot_assignments), self.assignments() as f64)
    }

    /// (cold - hot) / all assignments, signed; 1 means all cold.
    #[must_use]
    pub fn imbalance_signed(&self) -> f64 {
        1.0 - 2.0 * self.hot_share()
    }

    /// Share of the work that was done while something held its GPU back; `None` where clocks are not modelled.
    #[must_use]
    pub fn throttled_work_share(&self) -> Option<f64> {
        self.throttled_assignments.map(|throttled| ratio(throttled, self.assignments() as f64))
    }

    /// Spread of the work over the experts of a layer, mean over layers.
    #[must_use]
    pub fn load(&self) -> LoadBalance {
        LoadBalance::mean_of_layers(&self.usage.iter().map(|n| f64::from(*n)).collect::<Vec<_>>(), self.layers)
    }

    /// Time from arrival to the end (s).
    #[must_use]
    pub fn latency_seconds(&self) -> f64 {
        (self.finished - self.arrived).seconds()
    }
}

impl RunRecord {
    /// Energy of the whole run: assignments, router and idle (J).
    #[must_use]
    pub fn energy_joules(&self) -> f64 {
        self.batches.iter().map(|b| b.energy_joules).sum::<f64>() + self.idle_joules
    }

    /// Energy of the whole facility: GPUs, router, rest of the node, cooling and distribution losses (J); `None` without a
    /// `[hardware.cooling]`.
    #[must_use]
    pub fn facility_joules(&self) -> Option<f64> {
        let facility = self.facility.as_ref()?;
        let node = self.gpu_joules + self.router_joules + facility.other;
        Some(node + (facility.fans + facility.chillers) + facility.distribution)
    }

    /// Energy of all assignments, with what crosses between GPUs: without idle GPUs, the router's work and weights that move (J).
    #[must_use]
    pub fn assignment_joules(&self) -> f64 {
        self.batches.iter().map(|b| b.energy_joules).sum::<f64>() - self.router_joules - self.moving_joules
    }

    /// GPU-seconds in which a reason that `counts` held a GPU back (s); reasons that hold together count once.
    ///
    /// ```
    /// use isotherm_core::{hardware::ClockReason, record::{RunRecord, ThrottleInterval}, time::SimTime};
    /// let interval = |reason, from, until| ThrottleInterval {
    ///     gpu: 0,
    ///     reason,
    ///     from: SimTime::from_nanos(from),
    ///     until: SimTime::from_nanos(until),
    /// };
    /// let mut run = RunRecord::default();
    /// run.throttled.push(interval(ClockReason::HwThermalSlowdown, 3_000_000_000, 5_000_000_000));
    /// run.throttled.push(interval(ClockReason::SwPowerCap, 1_000_000_000, 4_000_000_000));
    /// assert_eq!(run.throttled_seconds(|_| true), 4.0);
    /// assert_eq!(run.throttled_seconds(|reason| reason == ClockReason::SwPowerCap), 3.0);
    /// ```
    #[must_use]
    pub fn throttled_seconds(&self, counts: impl Fn(ClockReason) -> bool) -> f64 {
        let mut intervals: Vec<&ThrottleInterval> =
            self.throttled.iter().filter(|interval| counts(interval.reason)).collect();
        intervals.sort_by_key(|interval| (interval.gpu, interval.from));
        let (mut seconds, mut covered) = (0.0, (u32::MAX, SimTime::ZERO));
        for interval in intervals {
            let from = if interval.gpu == covered.0 { interval.from.max(covered.1) } else { interval.from };
            if interval.until > from {
                seconds += (interval.until - from).seconds();
                covered = (interval.gpu, interval.until);
            }
        }
        seconds
    }

    /// Spread of the work of the whole run over the experts of a layer, mean over layers.
    #[must_use]
    pub fn load(&self) -> LoadBalance {
        let usage: Vec<f64> = self.usage().iter().map(|n| *n as f64).collect();
        LoadBalance::mean_of_layers(&usage, self.batches.first().map_or(1, |b| b.layers))
    }

    /// 1 - retained share of the baseline's gate mass, mean over tokens.
    #[must_use]
    pub fn mass_regret(&self) -> f64 {
        self.batches.iter().map(|b| f64::from(b.tokens) * b.fidelity.mass_regret).sum::<f64>() / self.tokens() as f64
    }

    /// Tokens completed.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.batches.iter().map(|b| u64::from(b.tokens)).sum()
    }

    /// Assignments served per expert, layer after layer, over all batches.
    #[must_use]
    pub fn usage(&self) -> Vec<u64> {
        let experts = self.batches.first().map_or(0, |b| b.usage.len());
        let mut usage = vec![0; experts];
        for batch in &self.batches {
            for (sum, n) in usage.iter_mut().zip(&batch.usage) {
                *sum += u64::from(*n);
            }
        }
        usage
    }
}

/// `a / b`, or 0 where `b` is 0.
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}
