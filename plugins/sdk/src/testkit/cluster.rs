//! A cluster for a router to look at.

use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, RouterContext};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};

/// GPUs that hold experts, what was last read of them, and what an assignment costs.
///
/// ```
/// use isotherm_plugin::testkit::Cluster;
/// let cluster = Cluster::new(4, 2).with_temperatures(&[55.0, 70.0]).with_declared_costs(&[1.0, 1.0, 2.0, 2.0]);
/// let degc: Vec<_> = cluster.view().expert_temperatures().collect();
/// assert_eq!(degc, [Some(55.0), Some(55.0), Some(70.0), Some(70.0)]);
/// ```
#[derive(Clone, Debug)]
pub struct Cluster {
    placement: Placement,
    samples: Vec<Sample>,
    declared: Vec<f64>,
    truth: Option<Vec<f64>>,
    now: SimTime,
    batch: BatchId,
}

impl Cluster {
    /// `experts` experts in equal blocks on `gpus` GPUs, none of which has been read; an assignment is declared to cost 1 J everywhere.
    ///
    /// # Panics
    /// Without experts or GPUs.
    #[must_use]
    pub fn new(experts: usize, gpus: usize) -> Self {
        assert!(experts > 0 && gpus > 0, "a cluster has experts and GPUs");
        Self {
            placement: Placement::contiguous(experts, gpus),
            samples: vec![Sample::default(); gpus],
            declared: vec![1.0; experts],
            truth: None,
            now: SimTime::ZERO,
            batch: BatchId(0),
        }
    }

    /// With the temperature of each GPU as just read (degC).
    #[must_use]
    pub fn with_temperatures(mut self, degc: &[f64]) -> Self {
        for (sample, degc) in self.samples.iter_mut().zip(degc) {
            sample.temperature = Some(Celsius::new(*degc));
        }
        self
    }

    /// With the power of each GPU as just read (W).
    #[must_use]
    pub fn with_powers(mut self, watts: &[f64]) -> Self {
        for (sample, watts) in self.samples.iter_mut().zip(watts) {
            sample.power = Some(Watts::new(*watts));
        }
        self
    }

    /// With what an assignment is declared to cost at each expert (J).
    #[must_use]
    pub fn with_declared_costs(self, joules: &[f64]) -> Self {
        Self { declared: joules.to_vec(), ..self }
    }

    /// With what an assignment truly costs at each expert (J), which oracles are shown.
    #[must_use]
    pub fn with_true_costs(self, joules: &[f64]) -> Self {
        Self { truth: Some(joules.to_vec()), ..self }
    }

    /// With experts on other GPUs.
    #[must_use]
    pub fn with_placement(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// At another instant, before another batch; what was read was true at that instant.
    #[must_use]
    pub fn at(mut self, now: SimTime, batch: BatchId) -> Self {
        (self.now, self.batch) = (now, batch);
        self.samples.iter_mut().for_each(|sample| sample.taken_at = now);
        self
    }

    /// What a router sees of it.
    #[must_use]
    pub fn view(&self) -> ClusterView<'_> {
        let view = ClusterView::empty()
            .at(self.now, self.batch, &self.placement, &self.samples)
            .with_declared_costs(&self.declared);
        self.truth.as_ref().map_or(view, |costs| view.with_true_costs(costs))
    }

    /// What a router of it is made with.
    #[must_use]
    pub fn context(&self, top_k: usize, seed: u64) -> RouterContext<'_> {
        RouterContext::new(self.declared.len(), top_k, &self.declared, seed).with_hardware(&self.placement, None)
    }
}
