//! Where experts live: which GPUs hold a copy of each, who decides that, and when it is decided again.
//!
//! Routers choose experts; a placement and its copies choose devices.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{ExpertId, GpuId};
use crate::input::InputError;
use crate::telemetry::Sample;

/// Immutable description of a placement policy, as a scenario writes it: `kind = "..."` and its options.
///
/// Implemented with `#[typetag::serde(name = "...")]`, one policy per file.
#[typetag::serde(tag = "kind")]
pub trait PlacementSpec: Debug + Send + Sync {
    /// Places every expert. Called at the start, and again whenever [`PlacementSpec::rebalance`] says so; a pure function of spec
    /// and context.
    ///
    /// # Errors
    /// [`PlacementError`] when an option does not fit the model or the hardware; found before any run starts.
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError>;

    /// When to place again during a run; `None` for a placement that stays.
    fn rebalance(&self) -> Option<Rebalance> {
        None
    }
}

/// When a placement is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebalance {
    /// Batches between two placements.
    pub every_batches: u32,
}

/// What a placement may depend on: what a real controller would have measured.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PlacementContext<'a> {
    /// Number of experts of the layer.
    pub experts: usize,
    /// Number of GPUs.
    pub gpus: usize,
    /// GPUs of one node; all of them where the scenario does not say.
    pub gpus_per_node: usize,
    /// Assignments per expert since the last placement; empty at the start, when nothing has been measured.
    pub loads: &'a [f64],
    /// Work per second that each GPU has shown since the last placement, relative to the mean; empty at the start.
    pub speeds: &'a [f64],
    /// Energy that each GPU has taken for its work since the last placement, per work, relative to the mean; empty at the start.
    pub joules: &'a [f64],
    /// The last sample of each GPU; empty at the start.
    pub samples: &'a [Sample],
    /// The placement in force; `None` at the start.
    pub current: Option<&'a Placement>,
    /// GPUs that have switched themselves off and can hold nothing.
    pub lost: &'a [GpuId],
}

impl<'a> PlacementContext<'a> {
    /// The context at the start of a run: nothing measured, all GPUs in one node.
    #[must_use]
    pub fn at_start(experts: usize, gpus: usize) -> Self {
        Self {
            experts,
            gpus,
            gpus_per_node: gpus,
            loads: &[],
            speeds: &[],
            joules: &[],
            samples: &[],
            current: None,
            lost: &[],
        }
    }

    /// This context with nodes of so many GPUs.
    #[must_use]
    pub fn with_nodes_of(self, gpus_per_node: usize) -> Self {
        Self { gpus_per_node, ..self }
    }

    /// This context with the energy that GPUs have taken for their work.
    #[must_use]
    pub fn with_joules(self, joules: &'a [f64]) -> Self {
        Self { joules, ..self }
    }

    /// This context with measured loads, speeds and samples and the placement they were measured under.
    #[must_use]
    pub fn measured(
        self,
        loads: &'a [f64],
        speeds: &'a [f64],
        samples: &'a [Sample],
        current: &'a Placement,
        lost: &'a [GpuId],
    ) -> Self {
        Self { loads, speeds, samples, current: Some(current), lost, ..self }
    }
}

/// Which GPUs hold a copy of each expert.
///
/// ```
/// use isotherm_core::{id::{ExpertId, GpuId}, placement::Placement};
/// let placement = Placement::new(2, vec![vec![GpuId(0)], vec![GpuId(0), GpuId(1)]]).unwrap();
/// assert_eq!(placement.copies(ExpertId(1)), [GpuId(0), GpuId(1)]);
/// assert_eq!(placement.slots(), 3);
/// assert!(Placement::new(2, vec![vec![GpuId(0)], vec![]]).is_err(), "expert 1 would be homeless");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Placement {
    /// Where the copies of expert e begin in `gpus`; one entry more than experts.
    first: Vec<u32>,
    /// GPUs of all copies, expert after expert, each expert's by rising number.
    gpus: Vec<GpuId>,
}

/// A placement as it was saved: not yet known to be one.
#[derive(Deserialize)]
struct Parts {
    first: Vec<u32>,
    gpus: Vec<GpuId>,
}

impl TryFrom<Parts> for Placement {
    type Error = PlacementError;

    fn try_from(Parts { first, gpus }: Parts) -> Result<Self, PlacementError> {
        let whole = first.first() == Some(&0) && first.last().is_some_and(|end| *end as usize == gpus.len());
        if whole && first.windows(2).all(|pair| pair[0] < pair[1]) {
            return Ok(Self { first, gpus });
        }
        Err(PlacementError::Unusable("saved offsets of the experts' copies do not fit the list of GPUs".to_owned()))
    }
}

impl Placement {
    /// A placement of `copies[e]` for every expert e on `gpus` GPUs.
    ///
    /// # Errors
    /// [`PlacementError::Unusable`] if an expert has no copy, two on one GPU, or one on a GPU that does not exist.
    pub fn new(gpus: usize, copies: Vec<Vec<GpuId>>) -> Result<Self, PlacementError> {
        let mut placement = Self { first: vec![0], gpus: Vec::new() };
        for (expert, mut homes) in copies.into_iter().enumerate() {
            homes.sort_unstable();
            let fault = |what: String| Err(PlacementError::Unusable(format!("expert {expert} {what}")));
            if homes.is_empty() {
                return fault("is on no GPU".to_owned());
            }
            if let Some(gpu) = homes.iter().find(|gpu| gpu.index() >= gpus) {
                return fault(format!("is placed on GPU {}, but there are {gpus}", gpu.0));
            }
            if let Some(pair) = homes.windows(2).find(|pair| pair[0] == pair[1]) {
                return fault(format!("has two copies on GPU {}", pair[0].0));
            }
            placement.gpus.extend(homes);
            placement.first.push(placement.gpus.len() as u32);
        }
        Ok(placement)
    }

    /// A placement from what [`Placement::offsets`] gives.
    ///
    /// # Errors
    /// [`PlacementError::Unusable`] if the offsets do not fit the list, or an expert has no copy.
    pub fn from_offsets(first: Vec<u32>, gpus: Vec<GpuId>) -> Result<Self, PlacementError> {
        Parts { first, gpus }.try_into()
    }

    /// Where the copies of each expert begin in the list of GPUs (one entry more than experts), and that list, expert after expert.
    ///
    /// ```
    /// use isotherm_core::{id::GpuId, placement::Placement};
    /// let placement = Placement::new(2, vec![vec![GpuId(0)], vec![GpuId(0), GpuId(1)]]).unwrap();
    /// let (first, gpus) = placement.offsets();
    /// assert_eq!((first, gpus), (&[0, 1, 3][..], &[GpuId(0), GpuId(0), GpuId(1)][..]));
    /// ```
    #[must_use]
    pub fn offsets(&self) -> (&[u32], &[GpuId]) {
        (&self.first, &self.gpus)
    }

    /// A placement with one copy of each expert.
    #[must_use]
    pub fn single(gpu_of_expert: Vec<GpuId>) -> Self {
        Self { first: (0..=gpu_of_expert.len() as u32).collect(), gpus: gpu_of_expert }
    }

    /// Contiguous blocks of experts whose sizes differ by at most one: what a scenario without a `[placement]` has.
    #[must_use]
    pub fn contiguous(experts: usize, gpus: usize) -> Self {
        // Expert e of E goes to GPU floor(e G / E): blocks in order.
        Self::single((0..experts).map(|e| GpuId((e * gpus / experts.max(1)) as u32)).collect())
    }

    /// The GPUs that hold `expert`, by rising number; at least one.
    #[must_use]
    pub fn copies(&self, expert: ExpertId) -> &[GpuId] {
        let e = expert.index();
        &self.gpus[self.first[e] as usize..self.first[e + 1] as usize]
    }

    /// Number of experts.
    #[must_use]
    pub fn experts(&self) -> usize {
        self.first.len().saturating_sub(1)
    }

    /// Number of copies of all experts together.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.gpus.len()
    }

    /// Every copy as (expert, GPU), by expert, then GPU.
    pub fn iter(&self) -> impl Iterator<Item = (ExpertId, GpuId)> + '_ {
        (0..self.experts()).flat_map(move |e| {
            let expert = ExpertId(e as u32);
            self.copies(expert).iter().map(move |gpu| (expert, *gpu))
        })
    }

    /// Load of each of `gpus` GPUs if the load of every expert is spread evenly over its copies.
    ///
    /// ```
    /// use isotherm_core::{id::GpuId, placement::Placement};
    /// let placement = Placement::new(2, vec![vec![GpuId(0)], vec![GpuId(0), GpuId(1)]]).unwrap();
    /// assert_eq!(placement.loads_of_gpus(&[1.0, 6.0], 2), [4.0, 3.0]);
    /// ```
    #[must_use]
    pub fn loads_of_gpus(&self, loads: &[f64], gpus: usize) -> Vec<f64> {
        let mut of_gpus = vec![0.0; gpus];
        for (expert, load) in loads.iter().enumerate() {
            let copies = self.copies(ExpertId(expert as u32));
            copies.iter().for_each(|gpu| of_gpus[gpu.index()] += load / copies.len() as f64);
        }
        of_gpus
    }

    /// Whether this is a placement of so many experts on so many GPUs: what was read from bytes may be one of others.
    pub(crate) fn is_sound(&self, experts: u32, gpus: u32) -> bool {
        self.experts() == experts as usize && self.gpus.iter().all(|gpu| gpu.0 < gpus)
    }
}

/// Why experts cannot be placed.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PlacementError {
    /// An option does not fit the model or the hardware. Found before any run starts.
    #[error("`{option}`: {message}")]
    Option {
        /// The option's key.
        option: &'static str,
        /// What is wrong and what was expected, with an example.
        message: String,
    },
    /// A file cannot be used. Found before any run starts.
    #[error("{0}")]
    Input(#[from] InputError),
    /// What came out is no placement: a fault of the policy. Fatal to the run it happens in.
    #[error("{0}")]
    Unusable(String),
}
