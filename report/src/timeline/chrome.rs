//! Chrome's JSON: an old form that many viewers read. A run is a process, its tracks are threads, its counters bear the names of
//! their GPUs.

use std::io::{Result, Write};

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use super::sink::{Argument, Lane, Sink, Track, Value};

/// How every trace begins.
const START: &[u8] = b"{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";

/// Whether a file that begins so was written here: with the name of a run, as every timeline is.
pub(super) fn begins(start: &[u8]) -> bool {
    start.strip_prefix(START).is_some_and(|rest| rest.starts_with(b"\n{\"ph\":\"M\",\"pid\":"))
}

/// A trace under way.
pub(super) struct Chrome<W> {
    out: W,
    /// What was declared, by the number of the track less one.
    tracks: Vec<Known>,
    is_first: bool,
}

struct Known {
    process: u64,
    /// The names from below the run down to the track.
    name: String,
    unit: &'static str,
}

/// One entry of `traceEvents`.
#[derive(Default, Serialize)]
struct Event<'a> {
    ph: &'static str,
    pid: u64,
    tid: u64,
    name: &'a str,
    /// Microseconds, exact to the nanosecond.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<Box<RawValue>>,
    /// An instant is one of its thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    args: Arguments<'a>,
}

#[derive(Default)]
struct Arguments<'a>(&'a [Argument<'a>]);

impl Serialize for Arguments<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            match value {
                Value::Whole(value) => map.serialize_entry(name, value)?,
                Value::Real(value) => map.serialize_entry(name, value)?,
                Value::Text(value) => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

/// Nanoseconds as microseconds, without a rounding error.
fn micros(nanos: u64) -> Option<Box<RawValue>> {
    RawValue::from_string(format!("{}.{:03}", nanos / 1000, nanos % 1000)).ok()
}

impl<W: Write> Chrome<W> {
    pub(super) fn begin(mut out: W) -> Result<Self> {
        out.write_all(START)?;
        Ok(Self { out, tracks: Vec::new(), is_first: true })
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }

    fn write(&mut self, event: &Event<'_>) -> Result<()> {
        self.out.write_all(if std::mem::take(&mut self.is_first) { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut self.out, event)?;
        Ok(())
    }

    fn process(&self, track: Track) -> u64 {
        self.tracks.get(track.0 as usize - 1).map_or(0, |known| known.process)
    }

    /// An entry that says what a process or a thread is called, or where it stands.
    fn tell(&mut self, (pid, tid): (u64, u64), name: &str, argument: Argument<'_>) -> Result<()> {
        self.write(&Event { ph: "M", pid, tid, name, args: Arguments(&[argument]), ..Event::default() })
    }
}

impl<W: Write> Sink for Chrome<W> {
    fn declare(&mut self, lane: Lane<'_>) -> Result<Track> {
        let track = Track(self.tracks.len() as u64 + 1);
        let parent = lane.parent.and_then(|parent| self.tracks.get(parent.0 as usize - 1));
        let process = parent.map_or(track.0, |parent| parent.process);
        let above = parent.map(|parent| parent.name.as_str()).filter(|name| !name.is_empty());
        let name = match (lane.parent, above) {
            (None, _) => String::new(),
            (_, None) => lane.name.to_owned(),
            (_, Some(above)) => format!("{above} {}", lane.name),
        };
        let (shown, rank) = (name.clone(), Value::Whole(lane.rank as i64));
        self.tracks.push(Known { process, name, unit: lane.unit.unwrap_or_default() });
        match (lane.parent, lane.unit) {
            (None, _) => {
                self.tell((process, 0), "process_name", ("name", Value::Text(lane.name)))?;
                self.tell((process, 0), "process_sort_index", ("sort_index", rank))?;
            }
            (Some(_), None) => {
                self.tell((process, track.0), "thread_name", ("name", Value::Text(&shown)))?;
                self.tell((process, track.0), "thread_sort_index", ("sort_index", Value::Whole(track.0 as i64)))?;
            }
            // A counter is known by its name.
            (Some(_), Some(_)) => {}
        }
        Ok(track)
    }

    fn slice(&mut self, track: Track, name: &str, (from, until): (u64, u64), arguments: &[Argument<'_>]) -> Result<()> {
        self.write(&Event {
            ph: "X",
            pid: self.process(track),
            tid: track.0,
            name,
            ts: micros(from),
            dur: micros(until.saturating_sub(from)),
            s: None,
            args: Arguments(arguments),
        })
    }

    fn instant(&mut self, track: Track, name: &str, at: u64, arguments: &[Argument<'_>]) -> Result<()> {
        let (pid, args) = (self.process(track), Arguments(arguments));
        self.write(&Event { ph: "i", pid, tid: track.0, name, ts: micros(at), dur: None, s: Some("t"), args })
    }

    fn count(&mut self, track: Track, at: u64, value: f64) -> Result<()> {
        let Some(known) = self.tracks.get(track.0 as usize - 1) else { return Ok(()) };
        let (pid, name, unit) = (known.process, known.name.clone(), known.unit);
        let key = if unit.is_empty() { "value" } else { unit };
        let args = [(key, Value::Real(value))];
        self.write(&Event { ph: "C", pid, name: &name, ts: micros(at), args: Arguments(&args), ..Event::default() })
    }
}
