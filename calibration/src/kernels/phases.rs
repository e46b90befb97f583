//! Reading the phases of a recording: what ran on which GPU, how often, for how many joules.

use std::fs;
use std::path::{Path, PathBuf};

use isotherm_core::hardware::kernel::{Implementation, LayerShape, NumberType};
use serde::Deserialize;
use thiserror::Error;

/// The layers of a phases file.
#[derive(Clone, Debug)]
pub struct Phases {
    /// Shape of the layers; that of Mixtral-8x7B, expert by expert in bf16, where the file says nothing.
    pub shape: LayerShape,
    /// Layers held for a while on one GPU, or on several that wait for each other.
    pub layers: Vec<LayerPhase>,
    /// What was left out and why, a sentence each.
    pub notes: Vec<String>,
}

/// One layer, done over and over.
#[derive(Clone, Debug)]
pub struct LayerPhase {
    /// Name in the file.
    pub name: String,
    /// Tokens per expert, one list per GPU that takes part.
    pub counts: Vec<Vec<u32>>,
    /// Time of one layer (s).
    pub seconds: f64,
    /// Energy of one layer, one entry per GPU (J).
    pub joules: Vec<f64>,
    /// Whether the GPUs wait for each other after every layer and exchange tokens.
    pub synchronous: bool,
}

/// Why a phases file could not be read.
#[derive(Debug, Error)]
pub enum PhasesError {
    /// The file cannot be opened.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not the expected JSON.
    #[error("{}: {source}; expected an object with `phases` (name, t0, t1, iters, energy_mj) or `moe` (tokens_per_expert, us_per_layer, joules)", path.display())]
    Json {
        /// Which file.
        path: PathBuf,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// Nothing to compare with.
    #[error("{}: no layer in it: neither rows in `moe` nor phases called moe-n<tokens> or moe-skew-<tokens>-<tokens>-... nor `expert_parallel`", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    phases: Vec<Phase>,
    #[serde(default)]
    moe: Vec<MoeRow>,
    #[serde(default)]
    layer: Option<LayerShape>,
}

#[derive(Deserialize)]
struct Phase {
    name: String,
    t0: f64,
    t1: f64,
    #[serde(default)]
    iters: Vec<f64>,
    #[serde(default)]
    busy_s: Vec<f64>,
    #[serde(default)]
    energy_mj: Vec<f64>,
    #[serde(default)]
    tokens: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct MoeRow {
    tokens_per_expert: u32,
    experts: u32,
    us_per_layer: f64,
    #[serde(default)]
    joules: Option<f64>,
    #[serde(default)]
    secs: Option<f64>,
    #[serde(default)]
    gpu: Option<u32>,
}

/// Experts of a layer whose phase is called `moe-n<tokens>`.
const EXPERTS: usize = 8;

/// Reads the layers of a phases file. Keys it does not know are left alone.
///
/// # Errors
/// [`PhasesError`] names the file and what was expected.
pub fn read_phases(path: &Path) -> Result<Phases, PhasesError> {
    let text = fs::read_to_string(path).map_err(|source| PhasesError::File { path: path.to_path_buf(), source })?;
    let file: File =
        serde_json::from_str(&text).map_err(|source| PhasesError::Json { path: path.to_path_buf(), source })?;
    let mut phases = Phases { shape: file.layer.unwrap_or_else(mixtral), layers: Vec::new(), notes: Vec::new() };
    // A phase with busy times says more than its row in the table, which has the host's time in it.
    let better = |row: &&MoeRow| {
        let name = format!("moe-n{}", row.tokens_per_expert);
        file.phases.iter().any(|phase| phase.name == name && !phase.busy_s.is_empty())
    };
    phases.layers.extend(file.moe.iter().filter(|row| !better(row)).filter_map(MoeRow::layer));
    let idle = idle_watts(&file.phases);
    for phase in &file.phases {
        for layer in phase.layers(&idle) {
            match layer {
                Ok(layer) => phases.layers.push(layer),
                Err(reason) => phases.notes.push(format!("phase `{}` left out: {reason}", phase.name)),
            }
        }
    }
    if phases.layers.is_empty() {
        return Err(PhasesError::Empty { path: path.to_path_buf() });
    }
    Ok(phases)
}

/// The layer of our own recordings.
fn mixtral() -> LayerShape {
    LayerShape {
        d_model: 4096,
        d_ff: 14336,
        matrices: 3,
        dtype: NumberType::Bf16,
        tensor_parallel: 1,
        implementation: Implementation::Sequential,
    }
}

impl MoeRow {
    fn name(&self) -> String {
        let gpu = self.gpu.map_or_else(String::new, |gpu| format!(", GPU {gpu}"));
        format!("moe table, {} tokens{gpu}", self.tokens_per_expert)
    }

    fn layer(&self) -> Option<LayerPhase> {
        let seconds = 1e-6 * self.us_per_layer;
        let joules = self.joules? / (self.secs? / seconds);
        (seconds > 0.0 && joules > 0.0).then(|| LayerPhase {
            name: self.name(),
            counts: vec![vec![self.tokens_per_expert; self.experts as usize]],
            seconds,
            joules: vec![joules],
            synchronous: false,
        })
    }
}

impl Phase {
    /// The layers of this phase: one of all GPUs together where they serve one layer, else one of each GPU; none where its
    /// name speaks of something else.
    /// `idle` is the power of each GPU at rest (W).
    fn layers(&self, idle: &[f64]) -> Vec<Result<LayerPhase, String>> {
        if self.name.starts_with("ep-") {
            return vec![self.expert_parallel(idle)];
        }
        let counts = match (self.name.strip_prefix("moe-n"), self.name.strip_prefix("moe-skew-")) {
            (Some(tokens), _) => tokens.parse().ok().map(|tokens| vec![tokens; EXPERTS]),
            (_, Some(list)) => list.split('-').map(|n| n.parse().ok()).collect(),
            _ => None,
        };
        let Some(counts) = counts else { return Vec::new() };
        if self.iters.is_empty() {
            return vec![Err("it has no `iters`".into())];
        }
        (0..self.iters.len()).map(|gpu| self.measured(gpu..gpu + 1, vec![counts.clone()], idle)).collect()
    }

    /// A layer whose experts are spread over the GPUs, the assignments of each GPU even over its experts.
    fn expert_parallel(&self, idle: &[f64]) -> Result<LayerPhase, String> {
        let gpus = self.tokens.len();
        let tokens: Option<Vec<f64>> = self.tokens.iter().copied().collect();
        let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty() && tokens.iter().all(|t| *t >= 0.0)) else {
            return Err("it has no `tokens`, the expert-tokens of each GPU".into());
        };
        let experts = (EXPERTS / gpus).max(1);
        let counts = tokens.iter().map(|tokens| vec![(tokens / experts as f64) as u32; experts]).collect();
        self.measured(0..gpus, counts, idle).map(|layer| LayerPhase { synchronous: true, ..layer })
    }

    /// Time and energy of one layer on some GPUs of this phase, each with its counts.
    fn measured(
        &self,
        gpus: std::ops::Range<usize>,
        counts: Vec<Vec<u32>>,
        idle: &[f64],
    ) -> Result<LayerPhase, String> {
        let span = self.t1 - self.t0;
        let layers = self.iters.get(gpus.start).copied().unwrap_or(0.0);
        if !(span.is_finite() && span > 0.0 && layers > 0.0) {
            return Err("its clock stands still or it did nothing".into());
        }
        let Some(energy) = self.energy_mj.get(gpus.clone()) else {
            return Err(format!("energies of {} GPUs, but {} took part", self.energy_mj.len(), gpus.end));
        };
        // Between two layers the host has its turn: a layer is what the device was busy with.
        let busy =
            |gpu: usize| self.busy_s.get(gpu).copied().filter(|busy| *busy > 0.0 && *busy <= span).unwrap_or(span);
        let joules: Vec<f64> = gpus
            .clone()
            .zip(energy)
            .map(|(gpu, mj)| (mj * 1e-3 - idle.get(gpu).copied().unwrap_or(0.0) * (span - busy(gpu))) / layers)
            .collect();
        if !joules.iter().all(|j| j.is_finite() && *j > 0.0) {
            return Err("its energy counter went backwards or stood still".into());
        }
        let alone = self.iters.len() == 1 || gpus.len() > 1;
        let name = if alone { self.name.clone() } else { format!("{}, GPU {}", self.name, gpus.start) };
        Ok(LayerPhase { name, counts, seconds: busy(gpus.start) / layers, joules, synchronous: false })
    }
}

/// Power of each GPU in the quietest phase in which it did nothing (W); 0 where it never rested.
fn idle_watts(phases: &[Phase]) -> Vec<f64> {
    let gpus = phases.iter().map(|phase| phase.energy_mj.len()).max().unwrap_or(0);
    let least = |gpu: usize| {
        let resting = phases.iter().filter(|phase| phase.iters.get(gpu) == Some(&0.0) && phase.t1 > phase.t0);
        let watts = resting.filter_map(|phase| Some(phase.energy_mj.get(gpu)? * 1e-3 / (phase.t1 - phase.t0)));
        watts.filter(|watts| *watts > 0.0).reduce(f64::min)
    };
    (0..gpus).map(|gpu| least(gpu).unwrap_or(0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(text: &str) -> Vec<Result<LayerPhase, String>> {
        serde_json::from_str::<Phase>(text).unwrap().layers(&[])
    }

    #[test]
    fn gpus_that_work_apart_make_a_layer_each() {
        let text =
            r#"{"name": "moe-n4", "t0": 10, "t1": 12, "duty": [1, 1], "iters": [1000, 2000], "energy_mj": [4e5, 8e5]}"#;
        let layers: Vec<LayerPhase> = phase(text).into_iter().map(Result::unwrap).collect();
        assert_eq!(layers.len(), 2);
        assert_eq!((layers[1].name.as_str(), layers[1].seconds, layers[1].joules[0]), ("moe-n4, GPU 1", 1e-3, 0.4));
        assert_eq!(layers[0].counts, [[4; 8]]);
    }

    #[test]
    fn the_hosts_time_between_layers_is_no_time_of_a_layer() {
        let text = r#"{"name": "moe-n4", "t0": 0, "t1": 10, "iters": [1000], "busy_s": [8], "energy_mj": [4e6]}"#;
        let layer = serde_json::from_str::<Phase>(text).unwrap().layers(&[100.0]).remove(0).unwrap();
        assert_eq!((layer.seconds, layer.joules[0]), (8e-3, 3.8));
    }

    #[test]
    fn gpus_of_one_layer_wait_for_each_other() {
        let text =
            r#"{"name": "ep-24-8", "t0": 0, "t1": 1, "iters": [10, 10], "energy_mj": [5000, 2000], "tokens": [24, 8]}"#;
        let layer = phase(text).remove(0).unwrap();
        assert_eq!(layer.counts, [[6; 4], [2; 4]]);
        assert!(layer.synchronous && layer.joules == [0.5, 0.2]);
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let broken = |text| phase(text).remove(0).unwrap_err();
        let text = r#"{"name": "moe-n4", "t0": 5, "t1": 5, "iters": [10], "energy_mj": [5000]}"#;
        assert_eq!(broken(text), "its clock stands still or it did nothing");
        let text = r#"{"name": "moe-n4", "t0": 5, "t1": 6, "iters": [10], "energy_mj": [-5]}"#;
        assert_eq!(broken(text), "its energy counter went backwards or stood still");
        let text =
            r#"{"name": "ep-24-8", "t0": 0, "t1": 1, "iters": [10, 10], "energy_mj": [5000], "tokens": [24, 8]}"#;
        assert_eq!(broken(text), "energies of 1 GPUs, but 2 took part");
        assert!(phase(r#"{"name": "gemm", "t0": 5, "t1": 6}"#).is_empty());
    }
}
