//! What a user of live telemetry is told before anything runs.

use std::path::Path;
use std::time::Duration;

use crate::execute::{LiveTime, seen};
use crate::fault::Fault;
use crate::scenario_file::ScenarioFile;

/// Said before live runs begin.
pub(super) fn announcement(time: &LiveTime) -> String {
    let runs = if time.runs == 1 { "1 run".to_owned() } else { format!("{} runs, one after the other,", time.runs) };
    let long = match time.at_least {
        Some(time) => format!("this takes {}, until the last batches have arrived, and their work", spoken(time)),
        None => "each takes as long as the work of its batches".to_owned(),
    };
    format!("live telemetry: {runs} by the clock; {long}. Ctrl-C keeps the runs that are finished")
}

/// A length of time as people say it.
fn spoken(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..120.0 => format!("{seconds:.1} s"),
        ..7200.0 => format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), (seconds % 60.0).floor()),
        _ => format!("{:.0} h {:.0} min", (seconds / 3600.0).floor(), (seconds / 60.0 % 60.0).floor()),
    }
}

/// A folder is emptied of records before it is filled anew: those that a scenario plays have to be in another one.
pub(super) fn keeps_its_records(file: &ScenarioFile, results: &Path) -> Result<(), Fault> {
    let Ok(records) = std::fs::canonicalize(results.join(seen::FOLDER)) else { return Ok(()) };
    let inside = |path: &str| std::fs::canonicalize(path).is_ok_and(|path| path.starts_with(&records));
    if file.data_files.iter().any(|data| inside(&data.path)) {
        return Err(Fault::Usage(format!(
            "the scenario plays records that are in {}, where its results would replace them\n  = help: choose another folder with --out",
            results.display()
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_takes_is_said_where_the_arrivals_say_so() {
        let said = |runs, at_least| announcement(&LiveTime { runs, at_least });
        let seconds = |s| Some(Duration::from_secs(s));
        assert!(
            said(1, seconds(90)).starts_with("live telemetry: 1 run by the clock; this takes 90.0 s, until the last")
        );
        assert!(
            said(3, seconds(185)).contains("3 runs, one after the other, by the clock; this takes 3 min 5 s, until")
        );
        assert!(said(3, seconds(7_500)).contains("this takes 2 h 5 min, until"));
        assert!(said(2, None).contains("each takes as long as the work of its batches"));
    }
}
