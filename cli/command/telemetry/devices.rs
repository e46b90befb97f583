//! `isotherm telemetry devices`: who is there, and what their signals are worth.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Table};
use isotherm_recording::{DeviceFacts, Reading, Signal};
use isotherm_report::table::STYLE;
use serde_json::json;

use super::probed;
use crate::args::{MeterSource, TelemetryDevices};
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::telemetry::{absence, open, quantity};

/// Prints the devices, or why there are none.
pub(super) fn run(options: &TelemetryDevices) -> Result<Code, Fault> {
    let mut meter = match open(&options.meter) {
        Ok(meter) => meter,
        Err(Fault::Unavailable(why)) => return unavailable(&why, options),
        Err(fault) => return Err(fault),
    };
    let devices = probed(meter.as_mut(), options.quick);
    let mut readings = Vec::new();
    meter.read(&mut readings).map_err(|error| Fault::Unavailable(error.to_string()))?;
    let text = if options.json {
        let text =
            serde_json::to_string_pretty(&json!({ "source": meter.source(), "available": true, "devices": devices }))
                .map_err(|error| Fault::Internal(error.to_string()))?;
        text + "\n"
    } else {
        as_text(&meter.source(), &devices, &readings, options.quick)
    };
    crate::command::print(&text)?;
    Ok(exit::SUCCESS)
}

/// A machine without a driver is no fault of the command: it says so, and what else there is.
fn unavailable(why: &str, options: &TelemetryDevices) -> Result<Code, Fault> {
    let text = if options.json {
        format!("{:#}\n", json!({ "available": false, "why": why }))
    } else {
        let mut text = format!("{why}\n");
        if options.meter.source == MeterSource::Nvml {
            text.push_str("other sources: --source dcgm=URL, an exporter of DCGM metrics; --source synthetic, two simulated GPUs\n");
        }
        text
    };
    crate::command::print(&text)?;
    Ok(exit::UNAVAILABLE)
}

fn as_text(source: &str, devices: &[DeviceFacts], readings: &[Reading], quick: bool) -> String {
    let mut text = format!("{source}: {}\n\n", count(devices.len()));
    text.push_str(&table(
        &[
            "GPU",
            "name",
            "power limit",
            "max clock",
            "works to",
            "slowdown",
            "shutdown",
            "memory to",
            "MIG",
            "driver",
            "uuid",
        ],
        devices.iter().map(identity),
    ));
    for group in alike(devices) {
        let first = group[0];
        let who: Vec<String> = group.iter().map(|at| devices[*at].index.to_string()).collect();
        let _ = writeln!(text, "\nsignals of GPU {}", who.join(", "));
        if group.len() > 1 {
            let _ = writeln!(text, "(values and refreshes are those of GPU {})", devices[first].index);
        }
        text.push('\n');
        let rows = Signal::ALL.into_iter().map(|signal| row(&devices[first], readings.get(first), signal, quick));
        text.push_str(&table(&["signal", "now", "refreshed every", "mean over"], rows));
        if devices[first].is_partitioned {
            text.push_str("MIG: power, energy and temperature are those of the whole GPU, not of an instance\n");
        }
    }
    text
}

fn count(devices: usize) -> String {
    if devices == 1 { "1 device".to_owned() } else { format!("{devices} devices") }
}

fn identity(device: &DeviceFacts) -> Vec<String> {
    let given = |value: Option<f64>, unit: &str| value.map_or("-".to_owned(), |value| format!("{value:.0} {unit}"));
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        device.index.to_string(),
        device.name.clone(),
        given(device.power_limit_w, "W"),
        given(device.max_sm_mhz, "MHz"),
        given(device.max_operating_degc, "degC"),
        given(device.slowdown_degc, "degC"),
        given(device.shutdown_degc, "degC"),
        given(device.memory_max_degc, "degC"),
        if device.is_partitioned { "on" } else { "off" }.to_owned(),
        text(&device.driver),
        text(&device.uuid),
    ]
}

/// Devices that give the same signals, by position: one table is enough for all of them.
fn alike(devices: &[DeviceFacts]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (at, device) in devices.iter().enumerate() {
        let same = |group: &&mut Vec<usize>| {
            let first = &devices[group[0]];
            first.missing == device.missing && first.is_partitioned == device.is_partitioned
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

fn row(device: &DeviceFacts, reading: Option<&Reading>, signal: Signal, quick: bool) -> Vec<String> {
    let mut cells = vec![signal.column().to_owned()];
    let now = reading.and_then(|reading| reading.value(signal));
    match (device.missing.get(&signal), now) {
        (_, Some(value)) => cells.push(quantity(signal, value)),
        (Some(missing), None) => cells.push(absence(*missing)),
        (None, None) => cells.push("-".to_owned()),
    }
    if now.is_some() {
        let facts = device.signals.get(&signal).copied().unwrap_or_default();
        cells.push(match facts.refresh_ms {
            Some(refresh) => format!("{refresh:.0} ms"),
            None if quick => "not measured".to_owned(),
            None => "did not move".to_owned(),
        });
        cells.push(facts.window_ms.map_or("-".to_owned(), |window| format!("{window:.0} ms")));
    }
    cells
}

fn table(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(headings);
    for row in rows {
        // Numbers stand right, words left.
        let cell = |text: String| {
            let is_number = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(' ');
            let side = if is_number { CellAlignment::Right } else { CellAlignment::Left };
            Cell::new(text).set_alignment(side)
        };
        table.add_row(row.into_iter().map(cell));
    }
    table.trim_fmt() + "\n"
}
