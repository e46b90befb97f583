//! Perfetto's TrackEvents: a stream of packets, each by itself, that ui.perfetto.dev and the trace processor read.
//!
//! Numbers of fields are those of `perfetto_trace.proto`; nothing of them is ever reused there.

use std::io::{Result, Write};

use super::message::{self, Message};
use super::sink::{Argument, Lane, Sink, Track, Value};

/// Fields of `Trace`, `TracePacket`, `TrackDescriptor`, `CounterDescriptor`, `TrackEvent` and `DebugAnnotation`.
mod field {
    pub(super) const PACKET: u64 = 1;

    pub(super) const TIMESTAMP: u64 = 8;
    pub(super) const SEQUENCE: u64 = 10;
    pub(super) const TRACK_EVENT: u64 = 11;
    pub(super) const TRACK_DESCRIPTOR: u64 = 60;

    pub(super) const TRACK_UUID: u64 = 1;
    pub(super) const TRACK_NAME: u64 = 2;
    pub(super) const TRACK_PARENT: u64 = 5;
    pub(super) const TRACK_COUNTER: u64 = 8;
    pub(super) const TRACK_CHILD_ORDERING: u64 = 11;
    pub(super) const TRACK_RANK: u64 = 12;

    pub(super) const COUNTER_UNIT_NAME: u64 = 6;

    pub(super) const EVENT_ARGUMENT: u64 = 4;
    pub(super) const EVENT_TYPE: u64 = 9;
    pub(super) const EVENT_TRACK: u64 = 11;
    pub(super) const EVENT_NAME: u64 = 23;
    pub(super) const EVENT_VALUE: u64 = 44;

    pub(super) const ARGUMENT_WHOLE: u64 = 4;
    pub(super) const ARGUMENT_REAL: u64 = 5;
    pub(super) const ARGUMENT_TEXT: u64 = 6;
    pub(super) const ARGUMENT_NAME: u64 = 10;
}

/// `TrackDescriptor.ChildTracksOrdering`: by their ranks.
const EXPLICIT: i64 = 3;

/// `TrackEvent.Type`.
const SLICE_BEGIN: i64 = 1;
const SLICE_END: i64 = 2;
const INSTANT: i64 = 3;
const COUNTER: i64 = 4;

/// A trace has one writer: us.
const WRITER: i64 = 1;

/// Whether a file that begins so was written here: its first packet declares the track of a run, as [`Perfetto::declare`] does.
pub(super) fn begins(start: &[u8]) -> bool {
    let is_ours = || {
        let packet = message::part(start, field::PACKET)?;
        let writer = message::whole(packet, field::SEQUENCE, WRITER)?;
        let descriptor = message::part(writer, field::TRACK_DESCRIPTOR)?;
        let named = message::whole(descriptor, field::TRACK_UUID, 1)?;
        let ordering = message::after(named, field::TRACK_NAME)?;
        message::whole(message::whole(ordering, field::TRACK_CHILD_ORDERING, EXPLICIT)?, field::TRACK_RANK, 0)
    };
    is_ours().is_some()
}

/// A trace under way.
pub(super) struct Perfetto<W> {
    out: W,
    tracks: u64,
}

impl<W: Write> Perfetto<W> {
    pub(super) fn begin(out: W) -> Self {
        Self { out, tracks: 0 }
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.out.flush()
    }

    fn packet(&mut self, fill: impl FnOnce(&mut Message)) -> Result<()> {
        let mut trace = Message::default();
        trace.message(field::PACKET, |packet| {
            packet.whole(field::SEQUENCE, WRITER);
            fill(packet);
        });
        self.out.write_all(trace.bytes())
    }

    fn event(&mut self, track: Track, at: u64, kind: i64, fill: impl FnOnce(&mut Message)) -> Result<()> {
        self.packet(|packet| {
            packet.whole(field::TIMESTAMP, at as i64);
            packet.message(field::TRACK_EVENT, |event| {
                event.whole(field::EVENT_TYPE, kind);
                event.whole(field::EVENT_TRACK, track.0 as i64);
                fill(event);
            });
        })
    }
}

fn describe(event: &mut Message, name: &str, arguments: &[Argument<'_>]) {
    event.text(field::EVENT_NAME, name);
    for (name, value) in arguments {
        event.message(field::EVENT_ARGUMENT, |argument| {
            argument.text(field::ARGUMENT_NAME, name);
            match value {
                Value::Whole(value) => argument.whole(field::ARGUMENT_WHOLE, *value),
                Value::Real(value) => argument.real(field::ARGUMENT_REAL, *value),
                Value::Text(value) => argument.text(field::ARGUMENT_TEXT, value),
            }
        });
    }
}

impl<W: Write> Sink for Perfetto<W> {
    fn declare(&mut self, lane: Lane<'_>) -> Result<Track> {
        self.tracks += 1;
        let track = Track(self.tracks);
        self.packet(|packet| {
            packet.message(field::TRACK_DESCRIPTOR, |descriptor| {
                descriptor.whole(field::TRACK_UUID, track.0 as i64);
                descriptor.text(field::TRACK_NAME, lane.name);
                if let Some(parent) = lane.parent {
                    descriptor.whole(field::TRACK_PARENT, parent.0 as i64);
                }
                descriptor.whole(field::TRACK_CHILD_ORDERING, EXPLICIT);
                descriptor.whole(field::TRACK_RANK, lane.rank as i64);
                if let Some(unit) = lane.unit {
                    descriptor.message(field::TRACK_COUNTER, |counter| counter.text(field::COUNTER_UNIT_NAME, unit));
                }
            });
        })?;
        Ok(track)
    }

    fn slice(&mut self, track: Track, name: &str, (from, until): (u64, u64), arguments: &[Argument<'_>]) -> Result<()> {
        self.event(track, from, SLICE_BEGIN, |event| describe(event, name, arguments))?;
        self.event(track, until, SLICE_END, |_| {})
    }

    fn instant(&mut self, track: Track, name: &str, at: u64, arguments: &[Argument<'_>]) -> Result<()> {
        self.event(track, at, INSTANT, |event| describe(event, name, arguments))
    }

    fn count(&mut self, track: Track, at: u64, value: f64) -> Result<()> {
        self.event(track, at, COUNTER, |event| event.real(field::EVENT_VALUE, value))
    }
}
