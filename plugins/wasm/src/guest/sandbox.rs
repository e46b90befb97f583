//! An instance of a module: its own store, its own memory, and the only ways in and out.

use std::sync::Arc;

use isotherm_plugin_abi::{ABI_MAJOR, ABI_MINOR};
use isotherm_plugin_host::LogSink;
use isotherm_plugin_host::options::Report;
use wasmtime::{Instance, Memory, Ref, Store, Table, TypedFunc, WasmParams, WasmResults};

use super::callbacks::{Places, slice, text_at};
use super::held::Held;
use super::layout::{Block, Record, Word};
use crate::limits::Limits;
use crate::stop::Stop;

/// What all instances of a module have in common.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    /// How messages name the module.
    pub(crate) title: Arc<str>,
    pub(crate) log: LogSink,
}

/// Where the structs stand that calls are handed: they stay as long as the instance.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Callbacks {
    pub(crate) host: u32,
    pub(crate) sink: u32,
    pub(crate) errors: u32,
}

/// Memory of the module that the host has asked for: the module's own allocator does not know it.
#[derive(Clone, Copy, Debug, Default)]
struct Region {
    base: u32,
    bytes: usize,
}

/// Bytes that memories grow by.
const PAGE: usize = 64 * 1024;

/// One instance of a module.
pub(crate) struct Sandbox {
    store: Store<Held>,
    instance: Instance,
    memory: Memory,
    table: Table,
    callbacks: Callbacks,
    /// What the calls are laid into, each over the last.
    region: Region,
}

impl Sandbox {
    /// An instance with the host's functions in its table. The module's start function runs.
    pub(crate) fn new(module: &wasmtime::Module, settings: &Settings) -> Result<Self, Stop> {
        let Settings { limits, title, log } = settings.clone();
        let fuel = limits.fuel_per_call;
        let stop = |error: wasmtime::Error| Stop::of(&error, fuel);
        let mut store = Store::new(module.engine(), Held::new(limits, title, log));
        store.limiter(|held| held);
        store.set_fuel(fuel).map_err(stop)?;
        let instance = Instance::new(&mut store, module, &[]).map_err(stop)?;
        let missing = |what: &str| Stop::Engine(format!("it exports no `{what}`"));
        let memory = instance.get_memory(&mut store, "memory").ok_or_else(|| missing("memory"))?;
        let table = instance.get_table(&mut store, TABLE).ok_or_else(|| missing(TABLE))?;
        store.data_mut().memory = Some(memory);
        let places = Places::install(&mut store, table).map_err(stop)?;
        let (callbacks, region) = (Callbacks::default(), Region::default());
        let mut sandbox = Self { store, instance, memory, table, callbacks, region };
        // What linkers make of constructors of C++ and Rust.
        if let Ok(initialize) = sandbox.export::<(), ()>("_initialize") {
            sandbox.call(&initialize, ())?;
        }
        let (_, laid) = sandbox.lay(|block| lay_callbacks(block, places))?;
        sandbox.callbacks = laid;
        // The next call is laid behind it.
        sandbox.region = Region::default();
        Ok(sandbox)
    }

    pub(crate) fn callbacks(&self) -> Callbacks {
        self.callbacks
    }

    /// An exported function of this type.
    pub(crate) fn export<P: WasmParams, R: WasmResults>(&mut self, name: &str) -> Result<TypedFunc<P, R>, Stop> {
        let fuel = self.fuel();
        self.instance.get_typed_func(&mut self.store, name).map_err(|error| Stop::of(&error, fuel))
    }

    /// The function that a pointer to a function leads to.
    pub(crate) fn function<P: WasmParams, R: WasmResults>(
        &mut self,
        index: u32,
        what: &'static str,
    ) -> Result<TypedFunc<P, R>, Stop> {
        let fault = |found: &str| {
            let (found, expected) = (found.to_owned(), "a function of the interface's type".to_owned());
            Stop::Function { what, index, found, expected }
        };
        match self.table.get(&mut self.store, u64::from(index)) {
            Some(Ref::Func(Some(function))) => function
                .typed(&self.store)
                .map_err(|_| fault(&format!("a function of type {}", function.ty(&self.store)))),
            _ => Err(fault("nothing")),
        }
    }

    /// Calls a function with the fuel of one call. What the last call has said is forgotten.
    pub(crate) fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        function: &TypedFunc<P, R>,
        arguments: P,
    ) -> Result<R, Stop> {
        let fuel = self.fuel();
        self.store.data_mut().clear();
        self.store.set_fuel(fuel).map_err(|error| Stop::of(&error, fuel))?;
        function.call(&mut self.store, arguments).map_err(|error| Stop::of(&error, fuel))
    }

    /// Lays structs and arrays into the module's memory, over those of the last call; also tells where they begin.
    pub(crate) fn lay<R>(&mut self, lay: impl Fn(&mut Block<'_>) -> R) -> Result<(u32, R), Stop> {
        let bytes = Block::measure(&lay);
        self.reserve(bytes)?;
        let base = self.region.base;
        let memory = self.memory.data_mut(&mut self.store);
        Ok((base, lay(&mut Block::at(base, &mut memory[base as usize..]))))
    }

    /// Sees to a region of so many bytes.
    fn reserve(&mut self, bytes: usize) -> Result<(), Stop> {
        if bytes <= self.region.bytes {
            return Ok(());
        }
        let end = self.memory.data_size(&self.store);
        let is_last = self.region.bytes > 0 && self.region.base as usize + self.region.bytes == end;
        // What the module has asked for since cuts a region off; it is then left behind, and the next one is larger by as much.
        let (base, more) = if is_last {
            (self.region.base as usize, bytes - self.region.bytes)
        } else {
            (end, bytes.max(2 * self.region.bytes))
        };
        let (fuel, pages) = (self.fuel(), more.div_ceil(PAGE));
        self.memory.grow(&mut self.store, pages as u64).map_err(|error| Stop::of(&error, fuel))?;
        self.region = Region { base: base as u32, bytes: end + pages * PAGE - base };
        Ok(())
    }

    /// The module's memory.
    pub(crate) fn memory(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    /// The bytes behind a pointer.
    pub(crate) fn bytes(&self, at: u32, len: usize, what: &'static str) -> Result<&[u8], Stop> {
        slice(self.memory(), at, len, what)
    }

    /// The text behind a pointer and a length, as it is: see [`crate::stop::clean`].
    pub(crate) fn text(&self, at: u32, len: u32) -> Result<String, Stop> {
        text_at(self.memory(), at, len, u32::MAX)
    }

    /// Copies the array at an address of the host's own into `to`.
    pub(crate) fn read<T: Word>(&self, at: u32, to: &mut [T]) -> Result<(), Stop> {
        T::get(self.bytes(at, to.len() * T::SIZE, "an array")?, to);
        Ok(())
    }

    /// What the last call has written into its sink.
    pub(crate) fn written(&self) -> &[u8] {
        &self.store.data().written
    }

    /// What the last call has reported.
    pub(crate) fn reports(&self) -> &[Report] {
        &self.store.data().reports
    }

    fn fuel(&self) -> u64 {
        self.store.data().limits.fuel_per_call
    }
}

/// The table that pointers to functions lead into, by the name linkers give it.
pub(crate) const TABLE: &str = "__indirect_function_table";

fn lay_callbacks(block: &mut Block<'_>, places: Places) -> Callbacks {
    let host = Record::sized().word(ABI_MAJOR).word(ABI_MINOR).word(0_u32).word(places.log).word(places.get_extension);
    Callbacks {
        host: block.record(host),
        sink: block.record(Record::plain().word(0_u32).word(places.write)),
        errors: block.record(Record::plain().word(0_u32).word(places.report)),
    }
}
