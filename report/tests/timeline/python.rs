//! Perfetto's published message classes read a timeline, know every field of it, and see what is seen here.

use std::io::Write as _;
use std::process::Command;

use isotherm_report::timeline::Format;

use crate::decoded::{What, number, perfetto};
use crate::forms::{rich, written};

/// Prints a line for every event, and fails at a field that the classes do not know.
const SCRIPT: &str = r#"
import sys
try:
    from perfetto.protos.perfetto.trace import perfetto_trace_pb2
    from google.protobuf.unknown_fields import UnknownFieldSet
except ImportError as missing:
    print(missing)
    sys.exit(77)

def known(message):
    assert len(UnknownFieldSet(message)) == 0, message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in [value] if hasattr(value, "ListFields") else value:
                known(inner)

trace = perfetto_trace_pb2.Trace()
trace.ParseFromString(open(sys.argv[1], "rb").read())
known(trace)
Event = perfetto_trace_pb2.TrackEvent
tracks, units, begun = {}, {}, {}

def line(*parts):
    print("\t".join(str(part) for part in parts))

for packet in trace.packet:
    if packet.HasField("track_descriptor"):
        track = packet.track_descriptor
        above = tracks[track.parent_uuid] + " / " if track.HasField("parent_uuid") else ""
        tracks[track.uuid] = above + track.name
        continue
    event, at = packet.track_event, packet.timestamp
    track = tracks[event.track_uuid]
    if event.type == Event.TYPE_SLICE_BEGIN:
        begun[event.track_uuid] = (event.name, at)
    elif event.type == Event.TYPE_SLICE_END:
        name, start = begun.pop(event.track_uuid)
        line(track, "slice", name, start, at)
    elif event.type == Event.TYPE_INSTANT:
        line(track, "instant", event.name, at)
    elif event.type == Event.TYPE_COUNTER:
        line(track, "counter", at, event.double_counter_value)
assert not begun
"#;

#[test]
fn the_published_message_classes_see_the_same() {
    let folder = rich();
    let bytes = written(folder.path(), &[0, 1, 2, 3], Format::Perfetto);
    let path = folder.path().join("trace.pftrace");
    std::fs::write(&path, &bytes).unwrap();
    let skipped = |why: &str| {
        let _ = writeln!(std::io::stderr(), "skipped: {why}; pip install perfetto");
    };
    let output = match Command::new("python3").args(["-c", SCRIPT]).arg(&path).output() {
        Err(error) => return skipped(&format!("python3 cannot be started: {error}")),
        Ok(output) => output,
    };
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(77) {
        return skipped(out.trim());
    }
    assert!(output.status.success(), "{out}{err}");
    let seen = perfetto(&bytes).into_iter().map(|entry| match entry.what {
        What::Slice(name, from, until) => format!("{}\tslice\t{name}\t{from}\t{until}", entry.track),
        What::Instant(name, at) => format!("{}\tinstant\t{name}\t{at}", entry.track),
        What::Counter(at, value) => format!("{}\tcounter\t{at}\t{}", entry.track, number(value)),
    });
    let seen: Vec<String> = seen.collect();
    assert!(seen.len() > 200);
    assert_eq!(seen, out.lines().collect::<Vec<_>>());
}
