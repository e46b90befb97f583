//! Checks of the `[fleet]` section, and of what a fleet asks of the rest of a scenario.

use super::{Check, Scenario};
use crate::cost::CostKind;
use crate::dispatch::CopyChoice;
use crate::fleet::FleetSpec;
use crate::hardware::OnShutdown;
use crate::scenario::plan::Variant;
use crate::thermal::LeakageLaw;
use crate::tier::Tier;

pub(super) fn check(scenario: &Scenario, check: &mut Check<'_>) {
    let Some(fleet) = &scenario.fleet else {
        for index in (0..scenario.change.len()).filter(|index| scenario.change[*index].row.is_some()) {
            let message = "a row of a fleet, but there is no fleet".to_owned();
            check.fault(&format!("change[{index}].row"), message, "a [fleet], or no `row`", "[fleet]\ngroups = 31");
        }
        return;
    };
    if let Err(fault) = fleet.check(&scenario.hardware, scenario.telemetry.period()) {
        check.fault(fault.key, fault.found, &fault.expected, fault.example);
    }
    model(scenario, check);
    cooling(scenario, check);
    changes(scenario, fleet, check);
}

/// What a fleet models, and what it does not.
fn model(scenario: &Scenario, check: &mut Check<'_>) {
    let (costs, hardware) = (&scenario.costs, &scenario.hardware);
    check.require(
        costs.kind == CostKind::Device,
        "costs.kind",
        || "a fleet has no table of costs: its time, energy and heat are those of a device".to_owned(),
        "`kind = \"device\"`",
        "kind = \"device\"",
    );
    check.require(
        scenario.tier.kind != Tier::Token,
        "tier.kind",
        || "a fleet cannot take every token through a gate".to_owned(),
        "`mean-field` or `counts`",
        "[tier]\nkind = \"mean-field\"",
    );
    check.require(
        costs.hot.is_empty(),
        "costs.hot",
        || "a fleet keeps no account of a hot pool".to_owned(),
        "no `hot`",
        "",
    );
    check.require(
        costs.layer.as_ref().is_none_or(|layer| layer.tensor_parallel == 1),
        "costs.layer.tensor_parallel",
        || "in a fleet every expert is whole on its GPU".to_owned(),
        "1",
        "tensor_parallel = 1",
    );
    check.require(
        hardware.on_shutdown == OnShutdown::Stop,
        "hardware.on_shutdown",
        || "in a fleet experts do not move away from a GPU that has switched itself off; the run ends there".to_owned(),
        "`stop`, written out",
        "on_shutdown = \"stop\"",
    );
    let power = hardware.profile.as_ref().and_then(|profile| profile.power.as_ref());
    check.require(
        power.is_none_or(|power| power.leakage_law == LeakageLaw::Linear),
        "hardware.profile.power.leakage_law",
        || "the physics sweep of a fleet knows linear leakage only".to_owned(),
        "`linear`",
        "leakage_law = \"linear\"",
    );
    check.require(
        scenario.dispatch.copies == CopyChoice::Even,
        "dispatch.copies",
        || "a fleet shares tokens out equally among the copies of an expert".to_owned(),
        "`even`",
        "copies = \"even\"",
    );
    let moves = scenario.placement.as_ref().is_some_and(|policy| policy.rebalance().is_some());
    check.require(
        !moves,
        "placement.rebalance",
        || "experts of a fleet stay where they are".to_owned(),
        "no `rebalance`",
        "",
    );
    check.require(
        !scenario.telemetry.prescribes_temperature() && !scenario.telemetry.is_live(),
        "telemetry",
        || "a fleet has its own temperatures".to_owned(),
        "a source such as `synthetic`",
        "[telemetry]\nkind = \"synthetic\"",
    );
}

/// In a fleet the cooling describes a node.
fn cooling(scenario: &Scenario, check: &mut Check<'_>) {
    let hardware = &scenario.hardware;
    let Some(cooling) = &hardware.cooling else { return };
    let Some(node) = hardware.gpus_per_node else {
        let message = "the cooling of a fleet is that of a node, but nodes have no size";
        check.fault("hardware.gpus_per_node", message, "the GPUs of a node", "gpus_per_node = 8");
        return;
    };
    let most = node.min(hardware.gpus);
    if let Some(gpu) = cooling.streams.iter().flatten().find(|gpu| **gpu >= most) {
        check.fault(
            "hardware.cooling.streams",
            format!("`streams` lists GPU {gpu}, but the GPUs of a node are 0 to {}", most.saturating_sub(1)),
            "the GPUs of one node",
            "streams = [[0, 4], [1, 5], [2, 6], [3, 7]]",
        );
    }
}

fn changes(scenario: &Scenario, fleet: &FleetSpec, check: &mut Check<'_>) {
    for (index, change) in scenario.change.iter().enumerate() {
        let pointer = format!("change[{index}]");
        check.require(
            change.row.is_none_or(|row| row < fleet.rows),
            &format!("{pointer}.row"),
            || format!("there is no row {}", change.row.unwrap_or_default()),
            &format!("rows are 0 to {}", fleet.rows.saturating_sub(1)),
            "row = 3",
        );
        check.require(
            change.at_batch.is_none(),
            &format!("{pointer}.at_batch"),
            || "the groups of a fleet do not count batches together".to_owned(),
            "`at`",
            "at = \"20 min\"",
        );
        check.require(
            change.hot.is_none(),
            &format!("{pointer}.hot"),
            || "a fleet keeps no account of a hot pool".to_owned(),
            "no `hot`",
            "",
        );
    }
}

/// Refuses routers that are shown what a fleet does not know.
pub(super) fn check_routers(scenario: &Scenario, variants: &[Variant], check: &mut Check<'_>) {
    if scenario.fleet.is_none() {
        return;
    }
    for variant in variants.iter().filter(|variant| variant.spec.uses_oracle()) {
        let Some(index) = variant.index else { continue };
        let message =
            format!("`{}` is an oracle's router: it is shown true costs, which a fleet does not know", variant.label);
        check.fault(
            &format!("router[{index}]"),
            message,
            "a router that knows what it is told",
            "kind = \"energy-penalty\"",
        );
    }
}
