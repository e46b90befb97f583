//! One world on its way to rows: its runs come in seed by seed, its rows leave when the last seed is in.

use std::collections::BTreeMap;
use std::path::Path;

use isotherm_core::scenario::{BaselineOf, WorldPlan};

use super::frontier::{Curves, Owner};
use super::summary::Row;
use super::tally::{ENERGY, Tally};
use super::warnings::Caveats;
use super::{Finished, Measured};
use crate::execute::{Lag, Lags};
use crate::statistics::Interval;

/// A world whose seeds are coming in. It knows all it needs of the plan, of which a writer sees one part after the other.
#[derive(Debug)]
pub(super) struct OpenWorld {
    index: usize,
    seed: u64,
    seeds: u64,
    rows: Vec<OpenRow>,
    curves: Curves,
    /// Variant that savings are measured against; `None` where there is none, or it is another world's.
    baseline: Option<usize>,
    against_first: bool,
    /// Time between two polls of live telemetry (s), and the runs of each row.
    live: Option<(f64, Vec<Vec<String>>)>,
}

#[derive(Debug)]
struct OpenRow {
    scenario: String,
    router: String,
    is_baseline: bool,
    point: BTreeMap<String, String>,
    caveats: Caveats,
    tally: Tally,
}

/// Energies of the first world's baseline (J) by seed, where later worlds are measured against them.
pub(super) type FirstEnergies = BTreeMap<u64, f64>;

impl OpenWorld {
    /// The world at `index` of the whole plan. Curves that do not fit into memory wait in `folder`.
    pub(super) fn new(plan: &WorldPlan, index: usize, folder: &Path) -> Self {
        let against_first = plan.scenario.compare.baseline == BaselineOf::FirstPoint && index > 0;
        let baseline = plan.baseline().filter(|_| !against_first);
        let rows = plan.variants.iter().enumerate().map(|(at, variant)| OpenRow {
            scenario: plan.scenario.name.clone(),
            router: variant.label.clone(),
            is_baseline: baseline == Some(at),
            point: plan.point.iter().chain(&variant.point).map(|v| (v.axis.clone(), v.value.clone())).collect(),
            caveats: Caveats::of(plan, at),
            tally: Tally::default(),
        });
        let is_live = plan.scenario.telemetry.is_live();
        Self {
            index,
            seed: plan.scenario.seed,
            seeds: u64::from(plan.scenario.seeds),
            rows: rows.collect(),
            curves: Curves::new(Owner::all(plan), folder),
            baseline,
            against_first,
            live: is_live.then(|| (plan.scenario.telemetry.period().seconds(), vec![Vec::new(); plan.variants.len()])),
        }
    }

    /// Position in the whole plan.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// Which repetition a seed is.
    pub(super) fn repetition(&self, seed: u64) -> u64 {
        seed.wrapping_sub(self.seed)
    }

    /// Whether a point with this seed is the last one.
    pub(super) fn ends_with(&self, seed: u64) -> bool {
        self.repetition(seed) + 1 >= self.seeds
    }

    /// Number of routers.
    pub(super) fn routers(&self) -> usize {
        self.rows.len()
    }

    /// Takes in the runs of one seed, a run per router.
    pub(super) fn add(&mut self, runs: &[Measured<'_>], first: &mut FirstEnergies) {
        let energy = |variant: usize| runs.iter().find(|run| run.run.variant == variant)?.metrics.get(ENERGY).copied();
        let Some(seed) = runs.first().map(|run| run.run.seed) else { return };
        let own = self.baseline.and_then(energy);
        if let Some(joules) = own.filter(|_| self.index == 0) {
            first.insert(seed, joules);
        }
        let baseline = if self.against_first { first.get(&seed).copied() } else { own };
        for run in runs {
            let Some(row) = self.rows.get_mut(run.run.variant) else { continue };
            row.tally.add(run.metrics, baseline.filter(|_| !row.is_baseline));
            if let Some(ids) = self.live.as_mut().and_then(|(_, ids)| ids.get_mut(run.run.variant)) {
                ids.push(run.run.id.clone());
            }
        }
    }

    /// Takes in the frontiers of the same runs; `assignment_joules` is the energy of the baseline's assignments (J).
    ///
    /// # Errors
    /// If they cannot be set aside.
    pub(super) fn add_curves(&mut self, runs: &[Finished], assignment_joules: Option<f64>) -> std::io::Result<()> {
        runs.iter().try_for_each(|run| self.curves.add(run, assignment_joules))
    }

    /// Its rows, not yet corrected for their number. Live runs were as late as `lags` says, which is added to `total`.
    pub(super) fn rows(&self, interval: Interval, lags: Option<&Lags>, total: &mut Option<Lag>) -> Vec<Row> {
        let (period_s, ids) = self.live.as_ref().map_or((0.0, &[][..]), |(period, ids)| (*period, ids));
        let rows = self.rows.iter().enumerate().map(|(at, open)| {
            let mut row = open.row(interval);
            if let Some(lag) = lags.zip(ids.get(at)).and_then(|(lags, ids)| lags.of(ids)) {
                row.warn_if_late(&lag, period_s);
                *total = Some(total.map_or(lag, |all| all.and(&lag)));
            }
            row
        });
        rows.collect()
    }

    /// The frontiers that have come in.
    pub(super) fn into_curves(self) -> Curves {
        self.curves
    }

    /// Whether its runs were live.
    pub(super) fn is_live(&self) -> bool {
        self.live.is_some()
    }
}

impl OpenRow {
    fn row(&self, interval: Interval) -> Row {
        Row {
            scenario: self.scenario.clone(),
            router: self.router.clone(),
            baseline: self.is_baseline,
            point: self.point.clone(),
            seeds: self.tally.len() as u32,
            metrics: self.tally.estimates(interval),
            versus_baseline: self.tally.versus(interval),
            warnings: self.caveats.warnings(&self.tally, interval),
        }
    }
}
