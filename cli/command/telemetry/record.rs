//! `isotherm telemetry record`: polls at a fixed rate into files that survive being killed.

mod polling;
mod progress;
mod summary;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use isotherm_nvml::Effort;
use isotherm_recording::{FileFormat, Header, RecordError, Recorder, RecorderOptions};

use self::polling::Polling;
use self::summary::Summary;
use self::writer::Writer;
use super::probed;
use crate::args::{RecordFormat, Rotation, TelemetryRecord};
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::telemetry::{Stop, open_with};

/// Records until the time is over or Ctrl-C, closes the files and says what was written.
pub(super) fn run(options: &TelemetryRecord) -> Result<Code, Fault> {
    let stop = Stop::on_signals();
    let effort = if options.energy { Effort::Energy } else { Effort::Spare };
    let mut meter = open_with(&options.meter, effort)?;
    let path = file(options);
    if !options.force && path.exists() {
        return Err(fault(RecordError::Exists { path, hint: String::new() }));
    }
    let devices = probed(meter.as_mut(), options.quick);
    let header = Header::new(meter.source(), 1e3 / options.rate, &devices);
    let recorder = Recorder::create(&path, header, recorder_options(options)).map_err(fault)?;
    let mut polling = Polling::new(&devices, options.rate, options.duration);
    let mut writer = Writer::start(recorder);
    polling.go(meter.as_mut(), &mut writer, &stop);
    let unwritten = writer.unwritten();
    // A disk that is full ends the recording; what is on it stays, and the summary says how much that is.
    let (files, ended) = match writer.finish() {
        Ok(files) => (files, Ok(())),
        Err((files, Some(error))) => (files, Err(fault(error))),
        Err((files, None)) => (files, Err(Fault::Internal("writing broke off".to_owned()))),
    };
    let summary = Summary::of(&polling, files, unwritten, stop.is_set());
    crate::command::print(&if options.json { summary.as_json()? } else { summary.as_text() })?;
    ended?;
    Ok(if stop.is_set() { exit::INTERRUPTED } else { exit::SUCCESS })
}

/// The file to write.
fn file(options: &TelemetryRecord) -> PathBuf {
    let ending = options.format.unwrap_or(RecordFormat::Csv).ending();
    options.output.clone().unwrap_or_else(|| PathBuf::from(format!("recording.{ending}")))
}

fn recorder_options(options: &TelemetryRecord) -> RecorderOptions {
    let format = options.format.map(|format| match format {
        RecordFormat::Csv => FileFormat::Csv,
        RecordFormat::CsvGz => FileFormat::CsvGz,
        RecordFormat::Parquet => FileFormat::Parquet,
    });
    let every =
        |rotation| if let Rotation::Every(time) = rotation { Some(Duration::from_nanos(time.nanos())) } else { None };
    let bytes = |rotation| if let Rotation::Bytes(bytes) = rotation { Some(bytes) } else { None };
    RecorderOptions {
        format,
        rotate_every: options.rotate.and_then(every),
        rotate_bytes: options.rotate.and_then(bytes),
        replace: options.force,
    }
}

fn fault(error: RecordError) -> Fault {
    match error {
        RecordError::Format { .. } => Fault::Usage(format!("{error}; or say it with --format")),
        RecordError::Exists { .. } => Fault::Unrecorded(format!("{error} with --force")),
        error => Fault::Unrecorded(error.to_string()),
    }
}
