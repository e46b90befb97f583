//! The same for people and for programs: a tree of parts, each with its seconds and its share.

use std::fmt::{self, Display, Formatter};

use isotherm_core::profiler::{KindSpent, Section, Spent};
use serde::Serialize;

use super::Part;

/// Where the time went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeSpent {
    /// On the clock (s).
    pub seconds: f64,
    /// Threads that there were.
    pub threads: usize,
    /// What they had together (s): `seconds` times `threads`.
    pub thread_seconds: f64,
    /// Where it went; the seconds of all add up to `thread_seconds`.
    pub parts: Vec<PartSpent>,
    /// Router and physics over all kinds of event: the same time once more, which stands in the parts of the events, too.
    pub sections: Vec<PartSpent>,
}

/// A part of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartSpent {
    /// What it was spent on.
    pub name: String,
    /// Time (s).
    pub seconds: f64,
    /// Share of `thread_seconds`, from 0 to 1.
    pub share: f64,
    /// How often that was done; absent where it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// What it consists of; the seconds of all add up to its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
}

/// Sections of an event below this share are not shown to people. Which parts and kinds of event are does not depend on the clock.
const LEAST_SHOWN: f64 = 0.0005;

impl TimeSpent {
    pub(super) fn of(seconds: f64, threads: usize, parts: &[(Part, f64, u64)], mut events: Spent) -> Self {
        let thread_seconds = seconds * threads as f64;
        let told = |name: &str, seconds: f64, number: Option<u64>, parts| PartSpent {
            name: name.to_owned(),
            seconds,
            share: if thread_seconds > 0.0 { seconds / thread_seconds } else { 0.0 },
            number,
            parts,
        };
        let mut all = Vec::new();
        for (part, seconds, number) in parts {
            if *part == Part::Events {
                // The time of all events was measured, that of a kind estimated: all of them cannot have taken longer.
                if events.seconds() > *seconds {
                    events.scale(*seconds / events.seconds());
                }
                let engine = told("queue and engine", *seconds - events.seconds(), None, Vec::new());
                let kinds = events.kinds().iter().filter(|kind| kind.number > 0).map(|kind| of_kind(kind, &told));
                let number = events.kinds().iter().map(|kind| kind.number).sum();
                all.push(told(part.name(), *seconds, Some(number), kinds.chain([engine]).collect()));
            } else {
                let number = matches!(part, Part::Stream | Part::Gate).then_some(*number);
                all.push(told(part.name(), *seconds, number, Vec::new()));
            }
        }
        let claimed: f64 = all.iter().map(|part| part.seconds).sum();
        all.push(told("waiting, and the rest", (thread_seconds - claimed).max(0.0), None, Vec::new()));
        let sections = Section::ALL.into_iter().map(|section| {
            let calls: f64 = events.kinds().iter().map(|kind| kind.sections[section as usize].1).sum();
            told(section.name(), events.of_section(section), Some(calls.round() as u64), Vec::new())
        });
        Self { seconds, threads, thread_seconds, sections: sections.collect(), parts: all }
    }
}

/// A kind of event with the sections in it.
fn of_kind(kind: &KindSpent, told: &impl Fn(&str, f64, Option<u64>, Vec<PartSpent>) -> PartSpent) -> PartSpent {
    let sections = Section::ALL.into_iter().zip(kind.sections).filter(|(_, (_, calls))| *calls > 0.0);
    let mut parts: Vec<PartSpent> = sections
        .map(|(section, (seconds, calls))| told(section.name(), seconds, Some(calls.round() as u64), Vec::new()))
        .collect();
    if !parts.is_empty() {
        parts.push(told("everything else", kind.other_seconds(), None, Vec::new()));
    }
    told(kind.name, kind.seconds, Some(kind.number), parts)
}

impl Display for TimeSpent {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let of_threads = match self.threads {
            1 => "1 thread".to_owned(),
            threads => format!("{threads} threads: {:.3} s of work and waiting", self.thread_seconds),
        };
        writeln!(f, "where the time went: {:.3} s on {of_threads}", self.seconds)?;
        writeln!(f, "{:<34}{:>11}{:>9}{:>13}{:>12}", "", "seconds", "share", "number", "each")?;
        self.parts.iter().try_for_each(|part| part.lines(f, 0))?;
        writeln!(f, "of which, in events of all kinds")?;
        self.sections.iter().try_for_each(|part| part.lines(f, 1))
    }
}

impl PartSpent {
    fn lines(&self, f: &mut Formatter<'_>, depth: usize) -> fmt::Result {
        if self.number == Some(0) || (depth > 1 && self.share < LEAST_SHOWN) {
            return Ok(());
        }
        let name = format!("{:1$}{2}", "", 2 * depth, self.name);
        write!(f, "{name:<34}{:>11.3}{:>7.1} %", self.seconds, 100.0 * self.share)?;
        match self.number {
            Some(number) if number > 0 => {
                writeln!(f, "{number:>13}{:>12}", duration(self.seconds / number as f64))?;
            }
            _ => writeln!(f)?,
        }
        self.parts.iter().try_for_each(|part| part.lines(f, depth + 1))
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.0} ns", 1e9 * s),
        s if s < 1e-3 => format!("{:.2} us", 1e6 * s),
        s if s < 1.0 => format!("{:.2} ms", 1e3 * s),
        s => format!("{s:.2} s"),
    }
}
