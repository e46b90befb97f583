//! All figures by name.

use thiserror::Error;

use super::{Figure, cold_hot, diversity, drift, gpus, imbalance, latency, pareto, sweep, temperature_usage, usage};
use crate::results::{ReadError, Results};

/// A figure that can be asked for.
#[derive(Clone, Copy)]
pub struct Listed {
    /// Its name on the command line and in file names.
    pub name: &'static str,
    /// What it shows, in a line.
    pub shows: &'static str,
    build: fn(&Results) -> Result<Figure, NoFigure>,
}

/// All of them, in the order in which they are drawn.
pub const FIGURES: &[Listed] = &[
    Listed {
        name: "pareto",
        shows: "energy saved against fidelity lost, and the optimal frontier",
        build: pareto::build,
    },
    Listed { name: "sweep", shows: "energy saved over the axes of the sweep", build: sweep::build },
    Listed { name: "cold-vs-hot", shows: "assignments and energy at cold and at hot experts", build: cold_hot::build },
    Listed {
        name: "energy-vs-imbalance",
        shows: "energy of a token against thermal imbalance",
        build: imbalance::build,
    },
    Listed { name: "usage-over-time", shows: "use of every expert, batch by batch", build: usage::build },
    Listed {
        name: "temperature-vs-usage",
        shows: "temperature of every GPU against its share of the work",
        build: temperature_usage::build,
    },
    Listed { name: "diversity", shows: "entropy of expert use, batch by batch", build: diversity::build },
    Listed { name: "drift-recovery", shows: "energy saved before and after costs change", build: drift::build },
    Listed { name: "latency", shows: "distribution of batch latencies", build: latency::build },
    Listed {
        name: "temperature",
        shows: "die temperature of every GPU over time, limits, throttling",
        build: gpus::temperature,
    },
    Listed { name: "power", shows: "power of every GPU over time, cap, throttling", build: gpus::power },
    Listed { name: "clock", shows: "clock of every GPU over time, limits, throttling", build: gpus::clock },
];

/// Why there is no figure.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoFigure {
    /// No figure has this name.
    #[error("there is no figure `{0}`; the figures are {list}", list = names())]
    Unknown(String),
    /// The results have not what it shows: a sentence that says what is missing.
    #[error("figure {name} does not apply: {why}")]
    DoesNotApply {
        /// The figure.
        name: &'static str,
        /// What is missing.
        why: String,
    },
    /// A table cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
}

impl NoFigure {
    pub(super) fn because(name: &'static str, why: impl Into<String>) -> Self {
        Self::DoesNotApply { name, why: why.into() }
    }
}

/// The names of all figures, for a message.
fn names() -> String {
    FIGURES.iter().map(|listed| listed.name).collect::<Vec<_>>().join(", ")
}

/// Builds one figure from a results folder.
///
/// # Errors
/// [`NoFigure`]: a name nobody knows, with all that there are; results that have not what the figure shows; a damaged table.
///
/// ```
/// use isotherm_report::figure::build;
/// use isotherm_report::results::Results;
/// let error = build("piechart", &Results::default()).unwrap_err();
/// assert!(error.to_string().contains("pareto"), "the message lists the figures: {error}");
/// ```
pub fn build(name: &str, results: &Results) -> Result<Figure, NoFigure> {
    let listed = FIGURES.iter().find(|listed| listed.name == name);
    let listed = listed.ok_or_else(|| NoFigure::Unknown(super::words::brief(name)))?;
    (listed.build)(results).map_err(|error| match error {
        // Without them no row of another table has an owner: whatever a figure lacks, this is why.
        NoFigure::DoesNotApply { name, .. } if results.runs.is_empty() => NoFigure::because(
            name,
            "runs.parquet is missing or cannot be read, and with it whose rows the other tables hold",
        ),
        other => other,
    })
}
