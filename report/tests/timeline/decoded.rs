//! Both forms of a timeline read back, without the code that writes them, into the same plain list.

use std::collections::BTreeMap;

use serde_json::Value;

/// Something on a track.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Names from the run down to the track, separated by ` / `.
    pub(crate) track: String,
    pub(crate) what: What,
    pub(crate) arguments: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// Name, from, until (ns).
    Slice(String, u64, u64),
    /// Name, when (ns).
    Instant(String, u64),
    /// When (ns), value.
    Counter(u64, f64),
}

/// A field of a message: its number, and the number or the bytes that it holds.
#[derive(Clone, Debug)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(varint(&mut bytes)),
            1 => {
                let (number, rest) = bytes.split_at(8);
                bytes = rest;
                Field::Number(u64::from_le_bytes(number.try_into().unwrap()))
            }
            2 => {
                let length = varint(&mut bytes) as usize;
                let (inner, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(inner)
            }
            wire => panic!("wire type {wire}"),
        };
        found.push((key >> 3, field));
    }
    found
}

/// The fields of a message, by number, in their order.
struct Message<'a>(Vec<(u64, Field<'a>)>);

impl<'a> Message<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        Self(fields(bytes))
    }

    fn all(&self, number: u64) -> impl Iterator<Item = &Field<'a>> {
        self.0.iter().filter(move |(known, _)| *known == number).map(|(_, field)| field)
    }

    fn number(&self, number: u64) -> Option<u64> {
        self.all(number).find_map(|field| match field {
            Field::Number(value) => Some(*value),
            Field::Bytes(_) => None,
        })
    }

    fn bytes(&self, number: u64) -> Option<&'a [u8]> {
        self.all(number).find_map(|field| match field {
            Field::Bytes(value) => Some(*value),
            Field::Number(_) => None,
        })
    }

    fn text(&self, number: u64) -> Option<String> {
        self.bytes(number).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }
}

/// Numbers as both forms can say them.
pub(crate) fn number(value: f64) -> String {
    format!("{value:?}")
}

/// Everything in a trace of TrackEvents. Tracks are declared before they are used, and slices of a track never overlap.
pub(crate) fn perfetto(bytes: &[u8]) -> Vec<Entry> {
    let mut tracks: BTreeMap<u64, String> = BTreeMap::new();
    let mut counters: BTreeMap<u64, String> = BTreeMap::new();
    let mut open: BTreeMap<u64, Entry> = BTreeMap::new();
    let mut ends: BTreeMap<u64, u64> = BTreeMap::new();
    let mut found = Vec::new();
    for (field, packet) in fields(bytes) {
        let Field::Bytes(packet) = packet else { panic!("field {field} is no packet") };
        let packet = Message::read(packet);
        assert_eq!((field, packet.number(10)), (1, Some(1)));
        if let Some(descriptor) = packet.bytes(60).map(Message::read) {
            let (uuid, name) = (descriptor.number(1).unwrap(), descriptor.text(2).unwrap());
            let parent = descriptor.number(5).map(|parent| format!("{} / ", tracks[&parent])).unwrap_or_default();
            assert!(tracks.insert(uuid, parent + &name).is_none(), "track {uuid} is declared twice");
            if let Some(counter) = descriptor.bytes(8).map(Message::read) {
                counters.insert(uuid, counter.text(6).unwrap());
            }
            continue;
        }
        let event = Message::read(packet.bytes(11).unwrap());
        let (at, uuid) = (packet.number(8).unwrap(), event.number(11).unwrap());
        let track = tracks.get(&uuid).unwrap_or_else(|| panic!("track {uuid} is not declared")).clone();
        let arguments = event.all(4).map(|field| {
            let Field::Bytes(argument) = field else { panic!("an argument is a message") };
            let argument = Message::read(argument);
            let value = argument.number(4).map(|whole| (whole as i64).to_string());
            let value = value.or(argument.number(5).map(|real| number(f64::from_bits(real))));
            (argument.text(10).unwrap(), value.or(argument.text(6)).unwrap())
        });
        let entry = |what| Entry { track, what, arguments: arguments.collect() };
        match event.number(9).unwrap() {
            1 => {
                assert!(ends.get(&uuid).is_none_or(|end| *end <= at), "two slices of one track overlap");
                let begun = entry(What::Slice(event.text(23).unwrap(), at, 0));
                assert!(open.insert(uuid, begun).is_none(), "a slice begins in a slice");
            }
            2 => {
                let mut ended = open.remove(&uuid).unwrap();
                if let What::Slice(_, from, until) = &mut ended.what {
                    assert!(*from <= at);
                    *until = at;
                }
                ends.insert(uuid, at);
                found.push(ended);
            }
            3 => found.push(entry(What::Instant(event.text(23).unwrap(), at))),
            4 => {
                assert!(counters.contains_key(&uuid), "a track of slices counts");
                found.push(entry(What::Counter(at, f64::from_bits(event.number(44).unwrap()))));
            }
            kind => panic!("event of type {kind}"),
        }
    }
    assert!(open.is_empty());
    found
}

/// Nanoseconds of a number of microseconds as it is written.
fn nanos(micros: &Value) -> u64 {
    let text = micros.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    whole.parse::<u64>().unwrap() * 1000 + format!("{part:0<3}").parse::<u64>().unwrap()
}

/// Everything in a trace of Chrome's JSON.
pub(crate) fn chrome(text: &[u8]) -> Vec<Entry> {
    let trace: Value = serde_json::from_slice(text).unwrap();
    let (mut processes, mut threads) = (BTreeMap::new(), BTreeMap::new());
    let mut found = Vec::new();
    for event in trace["traceEvents"].as_array().unwrap() {
        let (pid, tid) = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        let name = event["name"].as_str().unwrap().to_owned();
        let told = event["args"]["name"].as_str().map(str::to_owned);
        let arguments = event["args"].as_object().unwrap().iter().map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Number(whole) if whole.is_i64() => whole.to_string(),
                real => number(real.as_f64().unwrap()),
            };
            (name.clone(), value)
        });
        let at = event.get("ts").map(nanos);
        let (what, track) = match event["ph"].as_str().unwrap() {
            "M" => {
                match name.as_str() {
                    "process_name" => drop(processes.insert(pid, told.unwrap())),
                    "thread_name" => drop(threads.insert((pid, tid), told.unwrap())),
                    _ => assert!(name.ends_with("_sort_index"), "{name}"),
                }
                continue;
            }
            "X" => (What::Slice(name, at.unwrap(), at.unwrap() + nanos(&event["dur"])), threads[&(pid, tid)].clone()),
            "i" => (What::Instant(name, at.unwrap()), threads[&(pid, tid)].clone()),
            "C" => {
                let value = event["args"].as_object().unwrap().values().next().unwrap().as_f64().unwrap();
                let what = What::Counter(at.unwrap(), value);
                found.push(Entry { track: format!("{} / {name}", processes[&pid]), what, arguments: BTreeMap::new() });
                continue;
            }
            kind => panic!("event of kind {kind}"),
        };
        found.push(Entry { track: format!("{} / {track}", processes[&pid]), what, arguments: arguments.collect() });
    }
    found
}
