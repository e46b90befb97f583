//! Checks of meaning: what is right key by key and still makes no sense together.

mod fleet;
mod hardware;
mod tier;

use super::plan::Variant;
use super::{Compare, SCHEMA_VERSION, Scenario};
use crate::config::{Faults, Tree};
use crate::cost::CostKind;
use crate::hardware::STILL;
use crate::metrics::CarbonIntensity;
use crate::placement::PlacementError;
use crate::router::{RouterContext, RouterError};
use crate::workload::{WorkloadContext, WorkloadError};
use crate::world::DeviceSpec;

/// Energies, powers and times above this would lose the small ones they are added to.
const MOST: f64 = 1e12;

/// Collects faults at their places.
struct Check<'a> {
    tree: &'a Tree,
    faults: &'a mut Faults,
}

impl Check<'_> {
    fn fault(&mut self, pointer: &str, message: impl Into<String>, expected: &str, example: &str) {
        self.faults.push_at(pointer, self.tree, message, expected, example);
    }

    fn require(&mut self, holds: bool, pointer: &str, message: impl FnOnce() -> String, expected: &str, example: &str) {
        if !holds {
            self.fault(pointer, message(), expected, example);
        }
    }

    fn not_negative(&mut self, pointer: &str, value: Option<f64>, example: &str) {
        if let Some(value) = value {
            let size = if value < 0.0 { "negative" } else { "too large to be added up" };
            let holds = (0.0..=MOST).contains(&value);
            self.require(holds, pointer, || format!("`{value}` is {size}"), "a number that is not negative", example);
        }
    }
}

/// Checks one world; whether its model has a size that tables can be made for.
pub(super) fn scenario(scenario: &Scenario, tree: &Tree, faults: &mut Faults) -> bool {
    let check = &mut Check { tree, faults };
    let version = scenario.schema_version;
    check.require(
        version == SCHEMA_VERSION,
        "schema_version",
        || format!("schema version {version} is not one this isotherm reads"),
        "1",
        "schema_version = 1",
    );
    let name_is_plain = !scenario.name.is_empty()
        && scenario.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !scenario.name.starts_with('.');
    check.require(
        name_is_plain,
        "name",
        || format!("`{}` cannot name a folder", scenario.name),
        "letters, digits, `-`, `_` and `.`",
        "name = \"classic\"",
    );
    check.require(
        (1..=MOST_SEEDS).contains(&scenario.seeds),
        "seeds",
        || format!("{} seeds to run", scenario.seeds),
        "from 1 to 100000",
        "seeds = 10",
    );
    check_model(scenario, check);
    check_costs(scenario, check);
    hardware::check(scenario, check);
    tier::check(scenario, check);
    fleet::check(scenario, check);
    check_changes(scenario, check);
    check.not_negative(
        "router_host.seconds_per_operation",
        Some(scenario.router_host.seconds_per_operation),
        "seconds_per_operation = 1e-12",
    );
    check.not_negative(
        "router_host.joules_per_operation",
        Some(scenario.router_host.joules_per_operation),
        "joules_per_operation = 1e-12",
    );
    check.not_negative(
        "router_host.seconds_per_routing",
        Some(scenario.router_host.seconds_per_routing),
        "seconds_per_routing = 1e-3",
    );
    check_compare(&scenario.compare, check);
    (1..=MOST_EXPERTS).contains(&scenario.model.experts) && (1..=MOST_EXPERTS).contains(&scenario.hardware.gpus)
}

/// Above this many repetitions, likewise.
const MOST_SEEDS: u32 = 100_000;

/// Above this many experts or GPUs, a number is surely a slip of the hand.
const MOST_EXPERTS: u32 = 65_536;

/// Above this many layers, likewise.
const MOST_LAYERS: u32 = 1024;

fn check_compare(compare: &Compare, check: &mut Check<'_>) {
    if let Some(constant) = compare.constant_joules_per_token {
        check.require(
            constant > 0.0,
            "compare.constant_joules_per_token",
            || format!("`{constant}` cannot be compared with"),
            "a positive number of joules",
            "constant_joules_per_token = 1.5",
        );
    }
    check.require(
        compare.slo.is_none_or(|slo| !slo.is_zero()),
        "compare.slo",
        || "no batch is done in no time".to_owned(),
        "the latency that a batch should keep",
        "slo = \"100 ms\"",
    );
    if let Some(Err((step, message))) = compare.carbon_g_per_kwh.as_ref().map(CarbonIntensity::check) {
        let place = format!("compare.carbon_g_per_kwh[{step}]");
        let place = if check.tree.at(&place).is_some() { place.as_str() } else { "compare.carbon_g_per_kwh" };
        check.fault(
            place,
            message,
            "grams of CO2 per kWh, not negative, from \"0 s\" on and at rising instants",
            "carbon_g_per_kwh = [[\"0 s\", 400.0], [\"1 h\", 250.0]]",
        );
    }
}

fn check_model(scenario: &Scenario, check: &mut Check<'_>) {
    let (experts, top_k) = (scenario.model.experts, scenario.model.top_k);
    check.require(
        (1..=MOST_EXPERTS).contains(&experts),
        "model.experts",
        || format!("a layer of {experts} experts"),
        "from 1 to 65536",
        "experts = 8",
    );
    check.require(
        (1..=MOST_LAYERS).contains(&scenario.model.layers),
        "model.layers",
        || format!("a model of {} MoE layers", scenario.model.layers),
        "from 1 to 1024",
        "layers = 58",
    );
    check.require(
        top_k >= 1 && top_k <= experts.max(1),
        "model.top_k",
        || format!("each token is sent to {top_k} of {experts} experts"),
        &format!("from 1 to the number of experts, {experts}"),
        "top_k = 2",
    );
}

fn check_costs(scenario: &Scenario, check: &mut Check<'_>) {
    let (costs, experts) = (&scenario.costs, scenario.model.experts);
    check_pool(&costs.hot, "costs.hot", experts, check);
    if costs.kind == CostKind::Device {
        check_device_costs(scenario, check);
        return;
    }
    check.require(
        costs.layer.is_none(),
        "costs.layer",
        || "a layer is described, but the costs come from a table".to_owned(),
        "`kind = \"device\"`, or no [costs.layer]",
        "kind = \"device\"",
    );
    for (key, value, example) in [
        ("costs.cold_joules", costs.cold_joules, "cold_joules = 0.5"),
        ("costs.hot_joules", costs.hot_joules, "hot_joules = 2.0"),
        ("costs.leakage_per_kelvin", Some(costs.leakage_per_kelvin), "leakage_per_kelvin = 0.01"),
        ("costs.hop_joules", Some(costs.hop_joules), "hop_joules = 0.01"),
        ("costs.move_joules", Some(costs.move_joules), "move_joules = 0.5"),
        ("costs.move_seconds", Some(costs.move_seconds), "move_seconds = 0.01"),
    ] {
        check.not_negative(key, value, example);
    }
    for (key, value, example) in [
        ("costs.cold_seconds", costs.cold_seconds, "cold_seconds = 1e-6"),
        ("costs.hot_seconds", costs.hot_seconds, "hot_seconds = 1e-6"),
    ] {
        if let Some(value) = value {
            check.require(
                value > 0.0,
                key,
                || format!("an assignment that takes {value} s"),
                "a positive number of seconds",
                example,
            );
        }
    }
    check.require(
        costs.move_joules == 0.0 || costs.move_seconds > 0.0,
        "costs.move_joules",
        || "an energy that is spent in no time is an infinite power".to_owned(),
        "`move_seconds` above 0 beside it",
        "move_joules = 0.5\nmove_seconds = 0.01",
    );
    check_column(costs.joules.as_deref(), costs.cold_joules.or(costs.hot_joules), "joules", experts, true, check);
    check_column(costs.seconds.as_deref(), costs.cold_seconds.or(costs.hot_seconds), "seconds", experts, false, check);
    let classes = (costs.cold_joules.is_some(), costs.hot_joules.is_some());
    check.require(
        costs.joules.is_some() || classes == (true, true) || (classes.0 && costs.hot.is_empty()),
        "costs",
        || "the table does not say what an assignment costs".to_owned(),
        "`cold_joules` and `hot_joules`, or `joules` with one number per expert",
        "cold_joules = 0.5\nhot_joules = 2.0",
    );
}

/// The cost model `device` takes its numbers from the layer and the profile.
fn check_device_costs(scenario: &Scenario, check: &mut Check<'_>) {
    let costs = &scenario.costs;
    let given = [
        ("cold_joules", costs.cold_joules.is_some()),
        ("hot_joules", costs.hot_joules.is_some()),
        ("cold_seconds", costs.cold_seconds.is_some()),
        ("hot_seconds", costs.hot_seconds.is_some()),
        ("joules", costs.joules.is_some()),
        ("seconds", costs.seconds.is_some()),
        ("leakage_per_kelvin", costs.leakage_per_kelvin != 0.0),
        ("hop_joules", costs.hop_joules != 0.0),
        ("move_joules", costs.move_joules != 0.0),
        ("move_seconds", costs.move_seconds != 0.0),
    ];
    for (key, _) in given.into_iter().filter(|(_, given)| *given) {
        check.fault(
            &format!("costs.{key}"),
            format!("`{key}` belongs to a table, but the costs come from the device"),
            "`kind = \"table\"`, or no such key",
            "kind = \"table\"",
        );
    }
    if let Some(layer) = &costs.layer
        && let Err(message) = layer.check()
    {
        check.fault("costs.layer", message, "the shape of an MoE layer", "layer = { d_model = 4096, d_ff = 14336 }");
    }
    if let Some(layer) = &costs.layer {
        let (gpus, parallel) = (scenario.hardware.gpus, layer.tensor_parallel.max(1));
        check.require(
            gpus.is_multiple_of(parallel),
            "costs.layer.tensor_parallel",
            || format!("{gpus} GPUs cannot be grouped by {parallel}"),
            "a divisor of `hardware.gpus`",
            "tensor_parallel = 2",
        );
    }
    if let Err(message) = DeviceSpec::of(costs, scenario.model.top_k, &scenario.hardware) {
        let example = "kind = \"device\"\nlayer = { d_model = 4096, d_ff = 14336 }";
        check.fault("costs", message, "a layer, and a profile with clocks and a power law", example);
    }
    check.require(
        !scenario.telemetry.prescribes_temperature() || scenario.telemetry.shows_this_run(),
        "telemetry",
        || "the device model computes temperatures, but the telemetry source prescribes them".to_owned(),
        "a source such as `synthetic`",
        "[telemetry]\nkind = \"synthetic\"",
    );
}

/// A list with one number per expert, exclusive with the two-class form.
fn check_column(
    column: Option<&[f64]>,
    class: Option<f64>,
    key: &str,
    experts: u32,
    zero_allowed: bool,
    check: &mut Check<'_>,
) {
    let Some(values) = column else { return };
    let pointer = format!("costs.{key}");
    let example = format!("{key} = [{}]", vec!["0.5"; (experts as usize).min(8)].join(", "));
    check.require(
        values.len() == experts as usize,
        &pointer,
        || format!("`{key}` has {} numbers for {experts} experts", values.len()),
        "one number per expert",
        &example,
    );
    for (index, value) in values.iter().enumerate() {
        let holds = value.is_finite() && (*value > 0.0 || zero_allowed && *value == 0.0);
        let expected = if zero_allowed { "a number that is not negative" } else { "a positive number" };
        check.require(
            holds,
            &format!("{pointer}[{index}]"),
            || format!("`{value}` for expert {index}"),
            expected,
            &example,
        );
    }
    check.require(
        class.is_none(),
        &pointer,
        || format!("costs are given twice, per class and per expert: `cold_{key}` or `hot_{key}` beside `{key}`"),
        "one of the two forms",
        "",
    );
}

fn check_pool(hot: &[u32], pointer: &str, experts: u32, check: &mut Check<'_>) {
    for (index, expert) in hot.iter().enumerate() {
        let place = format!("{pointer}[{index}]");
        let range = format!("experts are 0 to {}", experts.saturating_sub(1));
        check.require(*expert < experts, &place, || format!("there is no expert {expert}"), &range, "hot = [6, 7]");
        check.require(
            !hot[..index].contains(expert),
            &place,
            || format!("expert {expert} is listed twice"),
            "each expert once",
            "hot = [6, 7]",
        );
    }
}

fn check_changes(scenario: &Scenario, check: &mut Check<'_>) {
    for (index, change) in scenario.change.iter().enumerate() {
        let pointer = format!("change[{index}]");
        check.require(
            change.at.is_some() != change.at_batch.is_some(),
            &pointer,
            || "a change needs one instant".to_owned(),
            "either `at` or `at_batch`",
            "at_batch = 60",
        );
        if let Some(hot) = &change.hot {
            check_pool(hot, &format!("{pointer}.hot"), scenario.model.experts, check);
            check.require(
                scenario.costs.joules.is_none() || hot.len() == scenario.costs.hot.len(),
                &format!("{pointer}.hot"),
                || "with costs per expert, the new hot pool must have as many experts as `costs.hot`".to_owned(),
                "pools of equal size, so that their costs can be exchanged",
                "hot = [0, 1]",
            );
        }
        check.require(
            change.hot.is_some() || change.supply.is_some() || change.flow.is_some(),
            &pointer,
            || "this change changes nothing".to_owned(),
            "at least one of `hot`, `supply` and `flow`",
            "hot = [0, 1]",
        );
        check.require(
            (change.supply.is_none() && change.flow.is_none()) || scenario.hardware.cooling.is_some(),
            &pointer,
            || "the change is about the cooling, but the hardware has none".to_owned(),
            "a [hardware.cooling]",
            "[hardware]\ncooling = \"hardware/hgx-h200-8-air.toml\"",
        );
        check.require(
            change.flow.is_none_or(|flow| (STILL..=1.0).contains(&flow)),
            &format!("{pointer}.flow"),
            || "a flow is a part of the full flow".to_owned(),
            "from 0.02 (what natural convection leaves of a stopped fan) to 1",
            "flow = 0.3",
        );
    }
}

/// Checks that every router can be built for the model, and the workload's and arrivals' options.
pub(super) fn routers(scenario: &Scenario, variants: &[Variant], tree: &Tree, faults: &mut Faults) {
    let check = &mut Check { tree, faults };
    tier::check_routers(scenario, variants, check);
    fleet::check_routers(scenario, variants, check);
    // One number an expert stands for whatever a run will declare.
    let declared_costs = match scenario.costs.kind {
        CostKind::Table => scenario.costs.per_expert(scenario.model.experts).0,
        CostKind::Device => vec![1.0; scenario.model.experts as usize],
    };
    let (experts, top_k) = (scenario.model.experts as usize, scenario.model.top_k as usize);
    let placement = match scenario.placement() {
        Ok(placement) => placement,
        Err(fault) => {
            let place = match &fault {
                PlacementError::Option { option, .. } => format!("placement.{option}"),
                _ => "placement".to_owned(),
            };
            let message = match fault {
                PlacementError::Option { message, .. } => message,
                other => other.to_string(),
            };
            check.fault(&place, message, "", "");
            return;
        }
    };
    let context = RouterContext::new(experts, top_k, &declared_costs, scenario.seed)
        .with_hardware(&placement, scenario.hardware.thermal_hint());
    for variant in variants {
        let built = (variant.options.check(experts, top_k))
            .and_then(|()| variant.spec.build(&context.with_options(&variant.options)));
        if let (Some(index), Err(RouterError::Option { option, message })) = (variant.index, built) {
            // A fault of one point of a sweep is not one of the line that the router stands in.
            let point: Vec<String> = variant.point.iter().map(|at| format!("{} = {}", at.axis, at.value)).collect();
            let at = if point.is_empty() { String::new() } else { format!(" (at {})", point.join(", ")) };
            check.fault(&format!("router[{index}].{option}"), format!("`{option}`: {message}{at}"), "", "");
        }
    }
    let batches = match scenario.arrivals.batches(scenario.seed) {
        Ok(batches) => batches,
        Err(WorkloadError::Option { option, message }) => {
            check.fault(&format!("arrivals.{option}"), format!("`{option}`: {message}"), "", "");
            return;
        }
        // Whoever opens the file says what is wrong with it.
        Err(_) => return,
    };
    let context = WorkloadContext { experts, top_k, seed: scenario.seed, batches: &batches, layer: 0 };
    if let Err(WorkloadError::Option { option, message }) = scenario.workload.build(&context) {
        check.fault(&format!("workload.{option}"), format!("`{option}`: {message}"), "", "");
    }
}
