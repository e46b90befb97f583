//! `isotherm plugin bench`: what a plugin's routers cost beside the built-in plain top k. All have a turn in every round, so that a change of the
//! machine's load meets them alike; what counts is the ratio.

use std::time::Instant;

use isotherm_core::config::{Faults, Node, Origin, SourceMap, Tree, Value as ConfigValue};
use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::placement::Placement;
use isotherm_core::registry::Catalogue;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, Feedback, Router, RouterContext, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_plugin_host::{Discovery, Environment, Kind, Library, Places, Plugins};
use serde_json::Value;

use crate::args::PluginBench;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::plugin_files;

/// Experts and top k of the layers that are measured.
const SHAPES: [(usize, usize); 3] = [(8, 2), (64, 8), (256, 8)];
const TOKENS: usize = 2048;
const GPUS: usize = 8;

pub(super) fn run(options: &PluginBench) -> Result<Code, Fault> {
    let specs = specs(options)?;
    let mut rows = Vec::new();
    for (experts, top_k) in SHAPES {
        rows.extend(measure(&specs, experts, top_k, options.rounds)?);
    }
    let text = if options.json {
        serde_json::to_string_pretty(&rows).map_err(|error| Fault::Internal(error.to_string()))? + "\n"
    } else {
        as_text(&rows)
    };
    super::super::print(&text)?;
    Ok(exit::SUCCESS)
}

/// Routers to be measured, by name.
type Specs = Vec<(String, Box<dyn RouterSpec>)>;

/// The baseline, and the routers of the library by name.
fn specs(options: &PluginBench) -> Result<Specs, Fault> {
    let library = Library::open(&options.file).map_err(|refusal| plugin_files::not_native(refusal, "plugin bench"))?;
    let environment = Environment::default();
    let named = [options.file.clone()];
    let places = Places { named: &named, scenario: None, environment: &environment };
    let plugins = Plugins::new(Discovery::search(&places));
    let mut specs: Specs = vec![("baseline".to_owned(), toml::from_str("kind = \"baseline\"").map_err(internal)?)];
    for (item, _) in library.offers().iter().filter(|(item, _)| item.kind == Kind::Router) {
        if options.item.as_ref().is_some_and(|only| *only != item.name) {
            continue;
        }
        let given = match &options.options {
            Some(text) => serde_json::from_str(text).map_err(|error| {
                Fault::Usage(format!("--options is not JSON: {error}; for example --options '{{\"lambda\": 0.1}}'"))
            })?,
            None => library.manifest().entry(item).map_or(Value::Null, |entry| entry.example.clone()),
        };
        specs.push((item.name.clone(), router(&plugins, &item.name, &given)?));
    }
    if specs.len() == 1 {
        let what = options.item.as_ref().map_or_else(|| "no router".to_owned(), |item| format!("no router `{item}`"));
        return Err(Fault::Input(format!("{} offers {what}", options.file.display())));
    }
    Ok(specs)
}

fn internal(error: impl ToString) -> Fault {
    Fault::Internal(error.to_string())
}

/// A router of a library with options as JSON; faults are shown as those of a scenario.
fn router(plugins: &Plugins, name: &str, options: &Value) -> Result<Box<dyn RouterSpec>, Fault> {
    let table =
        if options.is_object() { toml::Table::try_from(options).map_err(internal)? } else { toml::Table::new() };
    let (mut sources, mut faults) = (SourceMap::new(), Faults::new());
    let source = sources.add(format!("options of {name}"), toml::to_string(&table).map_err(internal)?);
    let tree = Tree::parse(&sources, source, &mut faults);
    let kind = Node::new(ConfigValue::String(name.to_owned()), Origin::Default);
    let spec = tree.and_then(|tree| plugins.router(&kind, tree.root(), "", &mut faults));
    spec.ok_or_else(|| Fault::Scenario(faults.render(&sources)))
}

/// What one router took for a batch: decision and feedback.
#[derive(serde::Serialize)]
struct Row {
    router: String,
    experts: usize,
    top_k: usize,
    tokens: usize,
    /// Shortest time of a batch (us).
    shortest_us: f64,
    /// Shortest time over the baseline's shortest.
    ratio_of_shortest: f64,
    /// Median over the rounds of the ratio within a round.
    median_ratio: f64,
}

fn measure(
    specs: &[(String, Box<dyn RouterSpec>)],
    experts: usize,
    top_k: usize,
    rounds: u32,
) -> Result<Vec<Row>, Fault> {
    let mut layer = Layer::new(experts, top_k);
    let mut routers = Vec::new();
    for (name, spec) in specs {
        let context = RouterContext::new(experts, top_k, &layer.costs, 1).with_hardware(&layer.placement, None);
        let built =
            spec.build(&context).map_err(|error| Fault::Input(format!("{name} with {experts} experts: {error}")))?;
        routers.push((name, built));
    }
    let mut seconds = vec![Vec::new(); routers.len()];
    for round in 0..=rounds {
        for ((name, router), seconds) in routers.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            layer.step(router.as_mut()).map_err(|error| Fault::Runs(format!("error: {name}: {error}")))?;
            // The first round warms up.
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
    }
    let shortest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
    let base = shortest(&seconds[0]);
    Ok(routers
        .iter()
        .zip(&seconds)
        .map(|((name, _), own)| {
            let mut ratios: Vec<f64> = own.iter().zip(&seconds[0]).map(|(own, base)| own / base).collect();
            ratios.sort_by(f64::total_cmp);
            Row {
                router: (*name).clone(),
                experts,
                top_k,
                tokens: TOKENS,
                shortest_us: shortest(own) * 1e6,
                ratio_of_shortest: shortest(own) / base,
                median_ratio: ratios[ratios.len() / 2],
            }
        })
        .collect())
}

/// A batch for a layer, a quarter of whose experts cost four times as much, on GPUs of which the last are hot.
struct Layer {
    gate: GateBatch<'static>,
    routing: Routing<'static>,
    costs: Vec<f64>,
    placement: Placement,
    samples: Vec<Sample>,
    joules: Vec<f64>,
    batch: u32,
}

impl Layer {
    fn new(experts: usize, top_k: usize) -> Self {
        let mut logits = vec![0.0; TOKENS * experts];
        fill_standard_normal([7, 11], 0, &mut logits);
        let sample = |gpu: usize| Sample {
            taken_at: SimTime::ZERO,
            temperature: Some(Celsius::new(60.0 + gpu as f64)),
            power: Some(Watts::new(400.0)),
        };
        Self {
            gate: GateBatch::from_logits(experts, top_k, logits),
            routing: Routing::new(experts, top_k),
            costs: (0..experts).map(|e| if e < experts - experts / 4 { 0.5 } else { 2.0 }).collect(),
            placement: Placement::contiguous(experts, GPUS),
            samples: (0..GPUS).map(sample).collect(),
            joules: vec![0.0; experts],
            batch: 0,
        }
    }

    /// One decision and what it is told of its cost.
    fn step(&mut self, router: &mut dyn Router) -> Result<(), String> {
        let now = SimTime::from_nanos(u64::from(self.batch) * 50_000_000);
        let view = ClusterView::empty()
            .with_declared_costs(&self.costs)
            .at(now, BatchId(self.batch), &self.placement, &self.samples)
            .of_revision(1);
        router.route(&self.gate, &view, &mut self.routing).map_err(|error| error.to_string())?;
        for ((joules, n), cost) in self.joules.iter_mut().zip(&self.routing.counts).zip(&self.costs) {
            *joules = f64::from(*n) * cost;
        }
        let feedback = Feedback::new(now, BatchId(self.batch), &self.routing.counts, &self.joules, &self.joules);
        self.batch += 1;
        router.feedback(&feedback).map_err(|error| error.to_string())
    }
}

fn as_text(rows: &[Row]) -> String {
    let mut text = format!(
        "{:>7} {:>5}  {:<32} {:>12} {:>18} {:>13}\n",
        "experts", "top-k", "router", "shortest", "ratio of shortest", "median ratio"
    );
    for row in rows {
        text.push_str(&format!(
            "{:>7} {:>5}  {:<32} {:>9.1} us {:>18.3} {:>13.3}\n",
            row.experts, row.top_k, row.router, row.shortest_us, row.ratio_of_shortest, row.median_ratio
        ));
    }
    text + &format!(
        "One decision and its feedback for {TOKENS} tokens on {GPUS} GPUs; ratios are to the plain top-k in the same run, 1 is as fast.\n"
    )
}
