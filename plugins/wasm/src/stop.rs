//! What ended a call into a module.

use thiserror::Error;
use wasmtime::{Trap, WasmBacktrace};

/// Why a call into a module did not come back.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The time limit.
    #[error("took more than {limit} instructions in one call, which is the limit{}", within(.inside))]
    Fuel { limit: u64, inside: String },
    /// The memory limit.
    #[error("asked for {asked} bytes of memory; the limit is {limit}{}", within(.inside))]
    Memory { asked: usize, limit: usize, inside: String },
    /// An instruction that cannot be carried out.
    #[error("was stopped: {what}{}", within(.inside))]
    Trap { what: String, inside: String },
    /// A pointer to where there is no memory.
    #[error("handed over {what} of {len} bytes at address {at}, but its memory has {memory} bytes{}", within(.inside))]
    Pointer { what: &'static str, at: u32, len: usize, memory: usize, inside: String },
    /// A pointer to a function that is none.
    #[error("has at {index} of its table {found} for `{what}`; expected {expected}")]
    Function { what: &'static str, index: u32, found: String, expected: String },
    /// More text or bytes than anybody wants.
    #[error("wrote more than {limit} bytes into a sink{}", within(.inside))]
    Flood { limit: usize, inside: String },
    /// What the engine says in its own words.
    #[error("cannot run: {0}")]
    Engine(String),
}

fn within(function: &str) -> String {
    if function.is_empty() { String::new() } else { format!(" (in `{function}`)") }
}

impl Stop {
    /// The reason behind an error of the engine. `fuel` is what the call was given.
    pub(crate) fn of(error: &wasmtime::Error, fuel: u64) -> Self {
        let inside = function_of(error);
        if let Some(stop) = error.downcast_ref::<Self>() {
            return stop.clone().inside(inside);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::Fuel { limit: fuel, inside },
            Some(trap) => Self::Trap { what: trap.to_string(), inside },
            None => Self::Engine(clean(&error.root_cause().to_string(), LONGEST_LINE)),
        }
    }

    fn inside(mut self, function: String) -> Self {
        match &mut self {
            Self::Fuel { inside, .. }
            | Self::Memory { inside, .. }
            | Self::Trap { inside, .. }
            | Self::Pointer { inside, .. }
            | Self::Flood { inside, .. } => *inside = function,
            Self::Function { .. } | Self::Engine(_) => {}
        }
        self
    }
}

/// The innermost function that the module has a name for.
fn function_of(error: &wasmtime::Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    frames.iter().find_map(|frame| frame.func_name()).map_or_else(String::new, |name| clean(name, LONGEST_LINE))
}

/// Bytes of a message that are shown.
pub(crate) const LONGEST_LINE: usize = 2_000;

/// Text of a module, fit for a terminal: without control characters, and no longer than anybody reads.
pub(crate) fn clean(text: &str, longest: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(longest)
        .map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c })
        .collect();
    if shown.len() < text.len() && text.chars().nth(longest).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_module_does_not_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mred\nb", 100), "a\u{fffd}[31mred\nb");
        assert_eq!(clean("0123456789", 4), "0123...");
    }
}
