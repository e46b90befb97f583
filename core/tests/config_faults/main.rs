//! A scenario with many faults is answered with all of them, each at its place.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use isotherm_core::config::{Assignment, FaultKind, Faults, Origin, SourceMap, Tree, deserialize, deserialize_with};
use serde::Deserialize;

mod places;
mod recovery;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    schema_version: u32,
    model: Model,
    #[serde(default)]
    router: Vec<Box<dyn Router>>,
    #[serde(default)]
    cost: Cost,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Model {
    experts: u32,
    top_k: u32,
    scale: f64,
    seed: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code)]
enum Cost {
    #[default]
    Device,
    Table {
        hot: f64,
        cold: f64,
    },
}

#[typetag::deserialize(tag = "kind")]
trait Router: std::fmt::Debug {
    fn lambda(&self) -> f64;
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct EnergyPenalty {
    #[serde(alias = "lambda_energy")]
    lambda: f64,
    #[serde(default)]
    combine: bool,
    #[serde(default)]
    prices: Prices,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Prices {
    #[serde(default)]
    tiers: Vec<Tier>,
    window: Option<[f64; 2]>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Tier {
    joules: f64,
    count: u8,
}

#[typetag::deserialize(name = "energy-penalty")]
impl Router for EnergyPenalty {
    fn lambda(&self) -> f64 {
        self.lambda
    }
}

/// Neither its author nor serde refuses unknown keys.
#[derive(Debug, Deserialize)]
struct TopK;

#[typetag::deserialize(name = "top-k")]
impl Router for TopK {
    fn lambda(&self) -> f64 {
        0.0
    }
}

/// An author who forgot `deny_unknown_fields`.
#[derive(Debug, Deserialize)]
struct Lenient {
    #[serde(default)]
    eta: f64,
}

#[typetag::deserialize(name = "lenient")]
impl Router for Lenient {
    fn lambda(&self) -> f64 {
        self.eta
    }
}

const VALID: &str = r#"# the classic
schema_version = 1

[model]
experts = 8
top_k = 2
scale = 1 # whole numbers are numbers

[[router]]
kind = "top-k"

[[router]]
lambda = 0.5
combine = true
kind = "energy-penalty" # the tag need not come first
[router.prices]
window = [0.5, 2]
tiers = [{ joules = 0.5, count = 4 }, { joules = 2.0, count = 4 }]

[cost.table]
hot = 2.0
cold = 0.5
"#;

const EXAMPLES: &[(&str, &str)] = &[("lambda", "0.1"), ("model.experts", "8"), ("kind", "\"top-k\"")];

struct Outcome {
    scenario: Option<Scenario>,
    faults: Faults,
    sources: SourceMap,
}

fn read_with(text: &str, sets: &[&str]) -> Outcome {
    let mut sources = SourceMap::new();
    let file = sources.add("s.toml", text);
    let mut faults = Faults::new();
    let scenario = Tree::parse(&sources, file, &mut faults).and_then(|mut tree| {
        for set in sets {
            let applied = set.parse::<Assignment>().and_then(|set| set.apply(&mut tree));
            faults.extend(applied.err().map(|fault| *fault));
        }
        deserialize_with(tree.root(), "", EXAMPLES, &mut faults)
    });
    faults.sort();
    Outcome { scenario, faults, sources }
}

fn read(text: &str) -> Outcome {
    read_with(text, &[])
}

impl Outcome {
    /// `line:column pointer message` of every fault.
    fn lines(&self) -> Vec<String> {
        let line = |fault: &isotherm_core::config::Fault| {
            let place = match &fault.origin {
                Some(Origin::File { source, span }) => {
                    let at = self.sources.position(*source, span.start);
                    format!("{}:{}", at.line, at.column)
                }
                other => format!("{other:?}"),
            };
            format!("{place} {} {}", fault.pointer, fault.message)
        };
        self.faults.iter().map(line).collect()
    }

    fn text(&self) -> String {
        self.faults.render(&self.sources)
    }
}
