//! Measured and predicted, side by side.

use isotherm_core::hardware::DeviceProfile;
use isotherm_core::scenario::WorldPlan;
use serde::Serialize;

use super::predict::{Ambient, Given, Prediction, predict};
use super::record::{Ending, LiveRecord, LiveRun};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// How far predictions may be off (energy per token and layer time relative, mean temperature in kelvin).
pub const GOALS: Goals = Goals { energy: 0.10, layer: 0.15, die_k: 2.0 };

/// Largest errors, not a number where nothing was measured; see [`GOALS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Goals {
    /// Relative error of the energy per token.
    pub energy: f64,
    /// Relative error of the layer's mean time.
    pub layer: f64,
    /// Error of the mean temperature of a die (K).
    pub die_k: f64,
}

/// Something measured and predicted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// What was measured; absent where nothing was.
    pub measured: Option<f64>,
    /// What the simulator says.
    pub predicted: f64,
}

impl Pair {
    /// Predicted over measured, less one.
    #[must_use]
    pub fn relative(&self) -> Option<f64> {
        Some(self.predicted / self.measured? - 1.0).filter(|error| error.is_finite())
    }

    /// Predicted less measured.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        Some(self.predicted - self.measured?)
    }
}

/// One router at one point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The router and where it stands in the sweep.
    pub run: String,
    /// Position of its world.
    pub world: usize,
    /// The router.
    pub router: String,
    /// Batches measured and simulated.
    pub batches: u32,
    /// Share of the assignments that each GPU served, measured.
    pub share: Vec<f64>,
    /// Energy per token (J).
    pub joules_per_token: Pair,
    /// Mean time of a layer (s).
    pub layer_seconds: Pair,
    /// Mean temperature of each die (degC).
    pub die_mean_degc: Vec<Pair>,
    /// Highest temperature of each die (degC).
    pub die_peak_degc: Vec<Pair>,
    /// Mean clock of each GPU (MHz).
    pub mean_mhz: Vec<Pair>,
    /// 1 - retained share of the gate's mass.
    pub mass_regret: Pair,
    /// Ambient temperature of each GPU in the prediction (degC).
    pub ambient_degc: Vec<f64>,
    /// Energy by power readings over energy by the counter, less one, of all GPUs.
    pub integrated_over_counter: Option<f64>,
}

/// The routers of a world by their energy per token, least first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ranking {
    /// Position of the world.
    pub world: usize,
    /// As measured.
    pub measured: Vec<String>,
    /// As predicted.
    pub predicted: Vec<String>,
    /// Whether they are the same.
    pub same: bool,
}

/// A live run and its simulation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The scenario.
    pub scenario: String,
    /// The devices.
    pub devices: Vec<String>,
    /// Whether what is called measured is a model's.
    pub simulated: bool,
    /// The profile's name.
    pub profile: String,
    /// Where the ambient temperature comes from.
    pub ambient: String,
    /// One a router and point.
    pub rows: Vec<Row>,
    /// One a world with several routers.
    pub rankings: Vec<Ranking>,
    /// Largest errors over all rows.
    pub worst: Goals,
    /// What they are held to.
    pub goals: Goals,
    /// Runs that are left out, and why.
    pub notes: Vec<String>,
}

impl Compared {
    /// Whether all errors are within the goals and all rankings are the same.
    #[must_use]
    pub fn holds(&self) -> bool {
        let Goals { energy, layer, die_k } = self.worst;
        energy <= self.goals.energy
            && layer <= self.goals.layer
            && die_k <= self.goals.die_k
            && self.rankings.iter().all(|ranking| ranking.same)
    }
}

/// Simulates every run of a record and puts the two side by side. What is `given` takes the place of the scenario's profile and cooling.
///
/// # Errors
/// [`Fault::Input`] where there is no profile or the cooling does not fit the GPUs, [`Fault::Runs`] if a simulation fails.
pub fn compare(record: &LiveRecord, mut file: ScenarioFile, given: &Given<'_>) -> Result<Compared, Fault> {
    let Given { profiles, cooling, ambient } = *given;
    let of_world = |world: &WorldPlan| match profiles {
        [] => world.scenario.hardware.profile.iter().cloned().collect(),
        given => given.to_vec(),
    };
    let own: Vec<Vec<DeviceProfile>> = file.plan.worlds.iter().map(of_world).collect();
    if let Some(cooling) = cooling {
        for world in &file.plan.worlds {
            let gpus = world.scenario.hardware.gpus;
            cooling.check(gpus).map_err(|why| Fault::Input(format!("--cooling: {why}")))?;
        }
    }
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for (place, run) in record.runs.iter().enumerate() {
        if let Ending::Failed(why) = &run.ending {
            notes.push(format!("{}: ended early: {why}", run.label()));
        }
        if run.batches == 0 {
            notes.push(format!("{}: left out, no batch was done", run.label()));
            continue;
        }
        let profiles = own.get(run.world).filter(|profiles| !profiles.is_empty()).ok_or_else(|| {
            Fault::Input("the scenario has no device profile\n  = help: give one with --profile".to_owned())
        })?;
        let prediction = predict(&mut file, run, &record.runs[..place], &Given { profiles, cooling, ambient })?;
        rows.push(row(run, &prediction));
    }
    let name = match own.first().map(Vec::as_slice) {
        Some([only]) => only.name.clone(),
        Some([first, ..]) => format!("{}, one for each GPU", first.name),
        _ => String::new(),
    };
    Ok(Compared {
        scenario: record.scenario.clone(),
        devices: record.load.devices.clone(),
        simulated: record.load.simulated,
        profile: name,
        ambient: match ambient {
            Ambient::Measured => "set for every GPU and run so that the model's idle steady state is the idle temperature measured just before, less what the runs before have left of their heat",
            Ambient::Profile => "the profile's",
        }
        .to_owned(),
        rankings: rankings(&rows),
        worst: worst(&rows),
        goals: GOALS,
        rows,
        notes,
    })
}

fn row(run: &LiveRun, said: &Prediction) -> Row {
    let of_gpu = |predicted: &[f64], measured: fn(&super::measured::GpuMeasured) -> Option<f64>| {
        let pair = |(gpu, predicted): (usize, &f64)| Pair {
            measured: run.gpus.get(gpu).and_then(measured),
            predicted: *predicted,
        };
        predicted.iter().enumerate().map(pair).collect::<Vec<_>>()
    };
    let sum = |of: fn(&super::measured::GpuMeasured) -> Option<f64>| run.gpus.iter().map(of).sum::<Option<f64>>();
    Row {
        run: run.label(),
        world: run.world,
        router: run.router.clone(),
        batches: run.batches,
        share: run.share.clone(),
        joules_per_token: Pair { measured: run.joules_per_token(), predicted: said.joules_per_token },
        layer_seconds: Pair { measured: Some(run.layer.mean), predicted: said.layer_seconds },
        die_mean_degc: of_gpu(&said.die_mean_degc, |gpu| gpu.die_mean_degc),
        die_peak_degc: of_gpu(&said.die_peak_degc, |gpu| gpu.die_peak_degc),
        mean_mhz: of_gpu(&said.mean_mhz, |gpu| gpu.mean_mhz),
        mass_regret: Pair { measured: Some(run.mass_regret), predicted: said.mass_regret },
        ambient_degc: said.ambient_degc.clone(),
        integrated_over_counter: sum(|gpu| gpu.integrated_joules)
            .zip(sum(|gpu| gpu.counter_joules))
            .map(|(integrated, counter)| integrated / counter - 1.0)
            .filter(|error| error.is_finite()),
    }
}

fn worst(rows: &[Row]) -> Goals {
    // Not a number where nothing was measured: that is within no bound.
    let most = |errors: &mut dyn Iterator<Item = Option<f64>>| {
        errors.flatten().fold(f64::NAN, |most: f64, error| most.max(error.abs()))
    };
    Goals {
        energy: most(&mut rows.iter().map(|row| row.joules_per_token.relative())),
        layer: most(&mut rows.iter().map(|row| row.layer_seconds.relative())),
        die_k: most(&mut rows.iter().flat_map(|row| row.die_mean_degc.iter().map(Pair::difference))),
    }
}

fn rankings(rows: &[Row]) -> Vec<Ranking> {
    let mut worlds: Vec<usize> = rows.iter().map(|row| row.world).collect();
    worlds.dedup();
    let ranking = |world: usize| {
        let mut all: Vec<(&Row, f64)> = rows
            .iter()
            .filter(|row| row.world == world)
            .filter_map(|row| Some((row, row.joules_per_token.measured?)))
            .collect();
        let names = |all: &[(&Row, f64)]| all.iter().map(|(row, _)| row.run.clone()).collect::<Vec<_>>();
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        let measured = names(&all);
        all.sort_by(|a, b| a.0.joules_per_token.predicted.total_cmp(&b.0.joules_per_token.predicted));
        let predicted = names(&all);
        (all.len() > 1).then(|| Ranking { world, same: measured == predicted, measured, predicted })
    };
    worlds.into_iter().filter_map(ranking).collect()
}
