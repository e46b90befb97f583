//! The host's functions that a module may call: they stand in its table, where pointers to functions lead.

use wasmtime::{AsContextMut, Caller, Func, Ref, Table};

use super::held::Held;
use super::layout::Fields;
use crate::stop::Stop;

/// Instructions that a call of the host counts as.
const CALL_COST: u64 = 100;
/// Instructions that showing a message counts as: a terminal is slow.
const MESSAGE_COST: u64 = 100_000;
/// Bytes of a text of which more is never shown.
const LONGEST_TEXT: u32 = 64 * 1024;

/// Places in the table that the host's functions take.
pub(crate) const HOST_FUNCTIONS: u64 = 4;

/// Where in the table the host's functions stand: what structs hold for pointers to them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) write: u32,
    pub(super) report: u32,
    pub(super) log: u32,
    pub(super) get_extension: u32,
}

impl Places {
    /// Puts the functions at the end of a module's table.
    pub(super) fn install(mut store: impl AsContextMut<Data = Held>, table: Table) -> wasmtime::Result<Self> {
        let functions = [
            Func::wrap(&mut store, write),
            Func::wrap(&mut store, report),
            Func::wrap(&mut store, log),
            Func::wrap(&mut store, get_extension),
        ];
        let first = table.grow(&mut store, HOST_FUNCTIONS, Ref::Func(None))?;
        for (place, function) in (first..).zip(functions) {
            table.set(&mut store, place, Ref::Func(Some(function)))?;
        }
        let first = first as u32;
        Ok(Self { write: first, report: first + 1, log: first + 2, get_extension: first + 3 })
    }
}

/// `Sink::write`.
fn write(mut caller: Caller<'_, Held>, _ctx: u32, data: u32, len: u32) -> wasmtime::Result<()> {
    charge(&mut caller, CALL_COST + u64::from(len))?;
    let (memory, held) = parts(&mut caller)?;
    let bytes = slice(memory, data, len as usize, "bytes for a sink")?;
    Ok(held.write(bytes)?)
}

/// `ErrorSink::report`.
fn report(mut caller: Caller<'_, Held>, _ctx: u32, pointer: u32, message: u32) -> wasmtime::Result<()> {
    charge(&mut caller, CALL_COST)?;
    let (pointer, message) = (text(&mut caller, pointer)?, text(&mut caller, message)?);
    caller.data_mut().report(&pointer, &message);
    Ok(())
}

/// `Host::log`.
fn log(mut caller: Caller<'_, Held>, _ctx: u32, level: i32, message: u32) -> wasmtime::Result<()> {
    charge(&mut caller, CALL_COST + MESSAGE_COST)?;
    let message = text(&mut caller, message)?;
    caller.data_mut().say(level, &message);
    Ok(())
}

/// `Host::get_extension`: there are none.
fn get_extension(mut caller: Caller<'_, Held>, _ctx: u32, _id: u32) -> wasmtime::Result<u32> {
    charge(&mut caller, CALL_COST)?;
    Ok(0)
}

/// Takes the host's work out of the call's fuel: otherwise a module could have the host work for it without end.
fn charge(caller: &mut Caller<'_, Held>, instructions: u64) -> wasmtime::Result<()> {
    match caller.get_fuel()?.checked_sub(instructions) {
        Some(left) => caller.set_fuel(left),
        None => Err(wasmtime::Trap::OutOfFuel.into()),
    }
}

fn parts<'c>(caller: &'c mut Caller<'_, Held>) -> Result<(&'c [u8], &'c mut Held), Stop> {
    let memory = caller.data().memory.ok_or_else(|| Stop::Engine("called before it was instantiated".to_owned()))?;
    let (memory, held) = memory.data_and_store_mut(caller);
    Ok((memory, held))
}

/// The bytes behind a pointer of a module.
pub(super) fn slice<'m>(memory: &'m [u8], at: u32, len: usize, what: &'static str) -> Result<&'m [u8], Stop> {
    let found = memory.get(at as usize..).and_then(|rest| rest.get(..len));
    found.ok_or_else(|| Stop::Pointer { what, at, len, memory: memory.len(), inside: String::new() })
}

/// The text behind a pointer to an `IsothermStr`: that is how C hands over a struct by value. Reading it costs what copying it does.
fn text(caller: &mut Caller<'_, Held>, at: u32) -> wasmtime::Result<String> {
    let (memory, _) = parts(caller)?;
    let mut fields = Fields::of(slice(memory, at, 8, "a text")?);
    let (at, len) = (fields.word(), fields.word::<u32>());
    charge(caller, u64::from(len.min(LONGEST_TEXT)))?;
    let (memory, _) = parts(caller)?;
    Ok(text_at(memory, at, len, LONGEST_TEXT)?)
}

/// The first bytes of a text, with replacement characters for what is no UTF-8. The empty text may have any pointer.
pub(super) fn text_at(memory: &[u8], at: u32, len: u32, longest: u32) -> Result<String, Stop> {
    if len == 0 {
        return Ok(String::new());
    }
    let bytes = slice(memory, at, len as usize, "a text")?;
    Ok(String::from_utf8_lossy(&bytes[..len.min(longest) as usize]).into_owned())
}
