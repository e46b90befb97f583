//! A slow-down that no clock needs to see: instructions of fixed small cases, counted by callgrind and compared with `counts.toml`.
//!
//! ```text
//! cargo bench --profile gate --bench counts                  # compares, and fails where a case has become slower
//! cargo bench --profile gate --bench counts -- --renew       # writes what was counted into benches/counts.toml
//! cargo bench --profile gate --bench counts -- route         # only cases with this in their name
//! ```
//!
//! Instructions are no time: they say nothing of caches and mispredicted branches. They are the same on every run and on every
//! processor, which a time on a shared machine is not, and what makes code slower nearly always makes it longer.
//!
//! Independent of the processor: valgrind shows the program a processor of its own, with AVX2 and without AVX-512, whatever is below it,
//! and everything that chooses by instruction set chooses for that one. Dependent on the compiler: with another rustc than the one that
//! `counts.toml` names, differences are shown and nothing fails.

mod registry;

#[path = "counts/callgrind.rs"]
mod callgrind;
#[path = "counts/cases.rs"]
mod cases;
#[path = "counts/kept.rs"]
mod kept;

use std::process::ExitCode;

use kept::{Kept, Verdict};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [callgrind::ONE, name] => alone(name),
        [] => answer(compare("")),
        ["--renew"] => answer(renew()),
        [part] if !part.starts_with('-') => answer(compare(part)),
        _ => answer(Err(format!("expected nothing, --renew or a part of a name; found: {}", arguments.join(" ")))),
    }
}

fn answer(outcome: Result<bool, String>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("counts: {message}");
            ExitCode::FAILURE
        }
    }
}

/// One case, in a process of its own under valgrind.
fn alone(name: &str) -> ExitCode {
    answer(callgrind::as_expected().and_then(|()| cases::one(name)).map(|()| true))
}

/// Counts the cases with `part` in their name; `None` where nothing can be counted, and the reason is said.
fn counted(part: &str) -> Result<Option<Vec<(&'static str, u64)>>, String> {
    if let Some(reason) = callgrind::absent() {
        println!("instructions are not counted: {reason}");
        return Ok(None);
    }
    let chosen = cases::names().filter(|name| name.contains(part));
    let counted: Vec<_> =
        chosen.map(|name| callgrind::count(name).map(|count| (name, count))).collect::<Result<_, _>>()?;
    if counted.is_empty() {
        let all: Vec<&str> = cases::names().collect();
        return Err(format!("no case has `{part}` in its name; there are {}", all.join(", ")));
    }
    Ok(Some(counted))
}

/// Whether nothing has become slower.
fn compare(part: &str) -> Result<bool, String> {
    let kept = Kept::read()?;
    let Some(counted) = counted(part)? else { return Ok(true) };
    let verdicts: Vec<Verdict> = counted.iter().map(|(name, count)| kept.judge(name, *count)).collect();
    println!("{:<28} {:>15} {:>15} {:>9}", "instructions", "kept", "counted", "change");
    for ((name, count), verdict) in counted.iter().zip(&verdicts) {
        println!("{}", kept.line(name, *count, *verdict));
    }
    let strangers = if part.is_empty() { kept.unknown(cases::names()) } else { Vec::new() };
    for name in &strangers {
        println!("{name:<28} is kept and is no case any more");
    }
    let number = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    let (slower, faster, new) = (number(Verdict::Slower), number(Verdict::Faster), number(Verdict::New));
    let stale = faster + new + strangers.len() > 0;
    if slower > 0 || stale {
        println!(
            "{slower} slower and {faster} faster by more than {} %, {new} new, {} gone; if that is meant: {}",
            kept.tolerance_percent,
            strangers.len(),
            kept::RENEW
        );
    }
    if let Some(other) = kept.other_compiler()? {
        println!("counts.toml is of {}, this is {other}: nothing is judged", kept.rustc);
        return Ok(true);
    }
    // A case that nothing is kept of guards nothing.
    Ok(slower == 0 && new == 0 && strangers.is_empty())
}

/// Whether there was anything to write.
fn renew() -> Result<bool, String> {
    let Some(counted) = counted("")? else { return Err("there is nothing to write".to_owned()) };
    Kept::write(&counted)?;
    println!("{} cases written to {}", counted.len(), kept::path().display());
    Ok(true)
}
