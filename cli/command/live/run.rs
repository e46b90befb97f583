//! `isotherm live run`: a scenario on real GPUs.

use std::path::Path;

use isotherm_core::scenario::Scenario;
use isotherm_recording::DeviceFacts;

use super::equipment;
use crate::args::LiveRun;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::live::record::{Ending, LiveRecord, LiveRun as RunRecord, LoadRecord, is_record};
use crate::live::session::{self, Equipment, MODEL, Progress, Session};
use crate::scenario_file::ScenarioFile;

/// Runs every router of the scenario, one after the other, and prints what was measured.
pub(super) fn run(options: &LiveRun) -> Result<Code, Fault> {
    let file = ScenarioFile::read_with(&options.scenario, &options.set, &options.equipment.libraries.files)?;
    let scenario = &file.plan.worlds[0].scenario;
    let folder = options.out.clone().unwrap_or_else(|| Path::new("results").join(format!("live-{}", scenario.name)));
    if is_record(&folder) && !options.force {
        return Err(Fault::Exists { path: folder, option: "--out" });
    }
    std::fs::create_dir_all(&folder).map_err(|error| Fault::unwritable(&folder, error))?;
    if scenario.seeds > 1 {
        tell!("note: a live run has one seed, {}", scenario.seed);
    }
    let session = Session {
        clock: equipment::clock(),
        seconds: options.seconds,
        rest: options.rest,
        devices: equipment::devices(&options.equipment, scenario.hardware.gpus)?,
        period: options.equipment.period_ms.map(|ms| 1e-3 * f64::from(ms)),
        stop: super::super::run::interruption(),
        folder,
    };
    let mut equip = |scenario: &Scenario| equip(options, &session, scenario);
    let mut recorder = |folder: &Path, source: &str, period: f64, facts: &[DeviceFacts]| {
        equipment::recorder(&folder.join("telemetry.csv.gz"), source, period, facts).map(Some)
    };
    let record =
        session.run(&file, &mut equip, &mut recorder, &mut Told { seconds: options.rest + options.seconds })?;
    let text = if options.json { super::super::profile::json(&record)? } else { table(&record) };
    super::super::print(&text)?;
    tell!("record in {}", session.folder.display());
    Ok(match record.runs.last().map(|run| &run.ending) {
        Some(Ending::Failed(_)) | None => exit::RUN,
        Some(Ending::Interrupted) => exit::INTERRUPTED,
        Some(Ending::Complete) => exit::SUCCESS,
    })
}

/// Load and meter of a world.
fn equip(options: &LiveRun, session: &Session, scenario: &Scenario) -> Result<Equipment, Fault> {
    let source = equipment::source_of(&options.equipment);
    let shape = session::shape(scenario, &session.devices)?;
    if options.equipment.load == MODEL {
        equipment::of_model(source)?;
        return session::modelled(scenario, session.clock.clone(), source == MODEL);
    }
    let named = LoadRecord {
        name: options.equipment.load.clone(),
        options: options.equipment.load_options.clone(),
        ..LoadRecord::default()
    };
    let meter = equipment::meter(source)?;
    Ok(Equipment { load: equipment::load(&options.equipment, &shape, &options.scenario)?, named, meter })
}

/// Tells the person who waits, on standard error.
struct Told {
    seconds: f64,
}

impl Progress for Told {
    fn begins(&mut self, run: &str) {
        tell!("{run}: {:.0} s", self.seconds);
    }

    fn ended(&mut self, run: &RunRecord) {
        let how = match &run.ending {
            Ending::Complete => String::new(),
            Ending::Interrupted => ", interrupted".to_owned(),
            Ending::Failed(why) => format!(", ended early: {why}"),
        };
        tell!("{}: {} batches in {:.1} s{how}", run.label(), run.batches, run.wall_seconds);
    }
}

/// What was measured, for people.
fn table(record: &LiveRecord) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(isotherm_report::table::STYLE).set_header([
        "router", "batches", "mJ/token", "layer ms", "p99", "host ms", "share", "busy", "die mean", "peak", "regret",
    ]);
    let number = |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |value| format!("{value:.digits$}"));
    let percent = |parts: &[f64]| parts.iter().map(|part| format!("{:.0}", 100.0 * part)).collect::<Vec<_>>().join("/");
    for run in &record.runs {
        let all = |of: fn(&crate::live::measured::GpuMeasured) -> Option<f64>| {
            run.gpus.iter().map(|gpu| number(of(gpu), 1)).collect::<Vec<_>>().join(" ")
        };
        table.add_row([
            run.label(),
            run.batches.to_string(),
            number(run.joules_per_token().map(|joules| 1e3 * joules), 3),
            format!("{:.3}", 1e3 * run.layer.mean),
            format!("{:.3}", 1e3 * run.layer.p99),
            format!("{:.3}", 1e3 * run.host_seconds_per_routing),
            percent(&run.share),
            percent(&run.busy),
            all(|gpu| gpu.die_mean_degc),
            all(|gpu| gpu.die_peak_degc),
            format!("{:.4}", run.mass_regret),
        ]);
    }
    let what = if record.load.simulated { "simulated, no device did anything: " } else { "" };
    format!("{} on {what}{}\n{table}\n", record.scenario, record.load.devices.join(", "))
}
