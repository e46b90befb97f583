//! Checks of the `[hardware]` and `[telemetry]` sections.

use super::{Check, MOST_EXPERTS};
use crate::cost::CostKind;
use crate::hardware::{Hardware, STILL};
use crate::scenario::Scenario;
use crate::telemetry::TelemetryError;
use crate::world::ThermalSpec;

pub(super) fn check(scenario: &Scenario, check: &mut Check<'_>) {
    let hardware = &scenario.hardware;
    check.require(
        (1..=MOST_EXPERTS).contains(&hardware.gpus),
        "hardware.gpus",
        || format!("a cluster of {} GPUs", hardware.gpus),
        "from 1 to 65536",
        "gpus = 8",
    );
    if !(1..=MOST_EXPERTS).contains(&hardware.gpus) {
        return;
    }
    if let Some(size) = hardware.gpus_per_node {
        check.require(
            size > 0 && (size >= hardware.gpus || hardware.gpus.is_multiple_of(size)),
            "hardware.gpus_per_node",
            || format!("{} GPUs cannot stand in nodes of {size}", hardware.gpus),
            "a divisor of `hardware.gpus`",
            "gpus_per_node = 8",
        );
    }
    check.not_negative("hardware.idle_power", hardware.idle_power.map(|p| p.get()), "idle_power = \"80 W\"");
    if let Some(profile) = &hardware.profile {
        check.not_negative("hardware.profile.idle_power", Some(profile.idle_power.get()), "idle_power = \"80 W\"");
        // Without differences between devices: one network stands for all.
        let alike = Hardware { variability: None, ..hardware.clone() };
        let flows_are_sound =
            scenario.change.iter().all(|change| change.flow.is_none_or(|flow| (STILL..=1.0).contains(&flow)));
        let cooling_is_sound =
            flows_are_sound && hardware.cooling.as_ref().is_none_or(|cooling| cooling.check(hardware.gpus).is_ok());
        let fault = profile.check().and_then(|()| match cooling_is_sound {
            true => ThermalSpec::of(&alike, scenario.costs.kind, &scenario.change).map(|_| ()),
            false => Ok(()),
        });
        if let Err(message) = fault {
            let place = place("hardware.profile", &message, check);
            check.fault(&place, message, "a physical device", "");
        }
    }
    if let Some(cooling) = &hardware.cooling
        && let Err(message) = cooling.check(hardware.gpus)
    {
        let place = place("hardware.cooling", &message, check);
        check.fault(&place, message, "a physical cooling", "");
    }
    if let Some(Err(message)) = hardware.variability.map(|variability| variability.check()) {
        check.fault("hardware.variability", message, "small differences", "variability = { resistance = 0.05 }");
    }
    check.require(
        hardware.idle_power.is_none() || scenario.costs.kind == CostKind::Table,
        "hardware.idle_power",
        || "the device model computes what a waiting GPU draws; this number would not be used".to_owned(),
        "no `idle_power`, or `costs.kind = \"table\"`",
        "",
    );
    check.not_negative("hardware.start_power", hardware.start_power.map(|p| p.get()), "start_power = \"650 W\"");
    warm_up(scenario, check);
    check.require(
        hardware.power_cap.is_none_or(|cap| cap.get().is_finite() && cap.get() > 0.0),
        "hardware.power_cap",
        || "a power cap must be positive".to_owned(),
        "the most a GPU may draw on the mean of a second",
        "power_cap = \"500 W\"",
    );
    let prescribed = scenario.telemetry.prescribes_temperature();
    check.require(
        prescribed || hardware.profile.is_some(),
        "telemetry",
        || "this source reads the model's temperatures, but the hardware has no thermal model".to_owned(),
        "`hardware.profile`, or a telemetry source that prescribes temperatures",
        "[hardware]\nprofile = \"hardware/h200-sxm.toml\"",
    );
    check.require(
        hardware.temperature_limit.is_none() || !prescribed || scenario.telemetry.shows_this_run(),
        "hardware.temperature_limit",
        || "time above a limit needs a thermal model, but the telemetry source prescribes the temperatures".to_owned(),
        "no limit, or a source such as `synthetic`",
        "",
    );
    check.require(
        !scenario.telemetry.period().is_zero(),
        "telemetry.period",
        || "a poll every 0 s would stop time".to_owned(),
        "a positive duration",
        "period = \"100 ms\"",
    );
    // Real hardware is looked for when a run begins.
    if scenario.telemetry.is_live() {
        return;
    }
    // Faults of data files are reported by whoever reads the files.
    if let Err(TelemetryError::Option { option, message }) =
        scenario.telemetry.build(hardware.gpus as usize, scenario.seed)
    {
        check.fault(&format!("telemetry.{option}"), message, "", "");
    }
}

/// A warm-up has batches, hardware that gets warm, and no other start beside it.
fn warm_up(scenario: &Scenario, check: &mut Check<'_>) {
    let hardware = &scenario.hardware;
    let Some(batches) = hardware.warm_up else { return };
    let place = "hardware.warm_up";
    check.require(
        batches > 0,
        place,
        || "a warm-up of no batches warms nothing".to_owned(),
        "a number of batches, or no `warm_up`",
        "warm_up = 500",
    );
    check.require(
        hardware.start_power.is_none(),
        place,
        || "the runs cannot start from `start_power` and from a warm-up".to_owned(),
        "one of the two",
        "",
    );
    check.require(
        !scenario.telemetry.prescribes_temperature() && !scenario.telemetry.is_live(),
        place,
        || "nothing is warmed up where the telemetry source says how warm it is".to_owned(),
        "a source that reads the model, such as `synthetic`, or no `warm_up`",
        "",
    );
    check.require(
        scenario.fleet.is_none(),
        place,
        || "a fleet starts in the steady state of a power, and not after a warm-up".to_owned(),
        "`start_power`",
        "start_power = \"250 W\"",
    );
}

/// Where a fault of a section points to: the key that its message names first in backticks, if the section has it.
fn place(section: &str, message: &str, check: &Check<'_>) -> String {
    let named = message.split('`').nth(1).map(|key| format!("{section}.{key}"));
    named.filter(|path| check.tree.at(path).is_some()).unwrap_or_else(|| section.to_owned())
}
