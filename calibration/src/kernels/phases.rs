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
    energy_mj: Vec<f64>,
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
    phases.layers.extend(file.moe.iter().filter_map(MoeRow::layer));
    for phase in &file.phases {
        match phase.layer() {
            Some(Ok(layer)) => phases.layers.push(layer),
            Some(Err(reason)) => phases.notes.push(format!("phase `{}` left out: {reason}", phase.name)),
            None => {}
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
    fn layer(&self) -> Option<LayerPhase> {
        let seconds = 1e-6 * self.us_per_layer;
        let joules = self.joules? / (self.secs? / seconds);
        (seconds > 0.0 && joules > 0.0).then(|| LayerPhase {
            name: format!("moe table, {} tokens", self.tokens_per_expert),
            counts: vec![vec![self.tokens_per_expert; self.experts as usize]],
            seconds,
            joules: vec![joules],
            synchronous: false,
        })
    }
}

impl Phase {
    /// The layer of this phase; nothing where its name speaks of something else.
    fn layer(&self) -> Option<Result<LayerPhase, String>> {
        let counts = match (self.name.strip_prefix("moe-n"), self.name.strip_prefix("moe-skew-")) {
            (Some(tokens), _) => vec![tokens.parse().ok()?; EXPERTS],
            (_, Some(list)) => list.split('-').map(|n| n.parse().ok()).collect::<Option<Vec<u32>>>()?,
            _ => return None,
        };
        Some(self.measured(&[counts], false))
    }

    /// Time and energy of one layer of this phase, for GPUs with these counts.
    fn measured(&self, counts: &[Vec<u32>], synchronous: bool) -> Result<LayerPhase, String> {
        let span = self.t1 - self.t0;
        let layers = self.iters.iter().copied().fold(0.0, f64::max);
        if !(span.is_finite() && span > 0.0 && layers > 0.0) {
            return Err("its clock stands still or it did nothing".into());
        }
        if self.energy_mj.len() < counts.len() {
            return Err(format!("energies of {} GPUs, but {} took part", self.energy_mj.len(), counts.len()));
        }
        let joules: Vec<f64> = self.energy_mj[..counts.len()].iter().map(|mj| mj * 1e-3 / layers).collect();
        if !joules.iter().all(|j| j.is_finite() && *j > 0.0) {
            return Err("its energy counter went backwards or stood still".into());
        }
        let name = self.name.clone();
        Ok(LayerPhase { name, counts: counts.to_vec(), seconds: span / layers, joules, synchronous })
    }
}
