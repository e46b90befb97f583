//! Routers as WebAssembly modules: code that nobody has to trust.
//!
//! A native plugin has every right of the process that loads it: whoever names one trusts its author. A module has none. It sees its own memory
//! and what the host lays into that; it can compute, answer, and call the four functions that the interface hands it (two sinks, the log, the
//! question for extensions). No file, no network, no clock, no thread, no import of any kind. So routers of strangers can run in a sweep, on a
//! leaderboard or in a hosted benchmark, and one file runs everywhere with the same bits.
//!
//! Scenarios name such routers where the program was built with its feature `wasm`.
//!
//! The interface is that of native plugins, [`isotherm_plugin_abi`], as C compilers lay it out for wasm32; the same source builds for both.
//!
//! ```
//! use std::path::Path;
//! use isotherm_core::router::{RouterContext, RouterSpec};
//! use isotherm_plugin_wasm::{Limits, Module};
//!
//! let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/routers.wasm");
//! let module = Module::open(&file, Limits::default())?;
//! assert_eq!(module.routers()[0], "fixtures/price");
//! let spec = module.router("fixtures/price", &serde_json::Map::new())?;
//! assert_eq!(spec.options()["step"], 0.5, "the module has filled in what was left out");
//! let router = spec.build(&RouterContext::new(8, 2, &[], 7))?;
//! assert_eq!(router.operations_per_token(), 0.0, "nothing has been routed yet");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds
//!
//! - **Memory.** Every router instance has a memory of its own, bounded by [`Limits::memory_bytes`]. What the host keeps for it (states, reports)
//!   is bounded too.
//! - **Time.** Every call has an end: [`Limits::fuel_per_call`] instructions. Instructions are counted, not seconds: a call that is stopped on one
//!   computer is stopped on all, at the same place. What the host does for a module counts as well.
//! - **Pointers.** Every pointer of a module is checked before the host follows it, and every decision before it becomes a routing.
//! - **Faults.** What a module does wrong ends the run that it happens in, with its name, version, file and, where the module has names, the
//!   function. Other runs, also of the same module, go on.
//! - **Same bytes.** Floating point is IEEE 754 with one NaN; there is nothing else that a module could tell computers apart by, except where
//!   it is stopped for a stack without end.
//! - **Text** of a module is shown without control characters.
//!
//! What does not hold: a module can route badly and say untruths about itself. A file of 16 MiB can keep the compiler busy for minutes, and the
//! sandbox is as tight as [wasmtime](https://docs.wasmtime.dev/security.html) is. That asks for the processor's faults as other runtimes do: it
//! installs signal handlers, and hands on what is not its own.
//!
//! # What it costs
//!
//! A batch is copied in, and what was decided is copied out. `cargo bench --bench border` sets the same routers side by side, as a module and as a
//! boxed Rust type, in one run; here on a shared AMD EPYC machine with two cores, in microseconds a call:
//!
//! | Router, by form | Batch (tokens x experts, top k) | Boxed | Module | Ratio |
//! |---|---|---:|---:|---:|
//! | prices | 1 x 8, 2 | 0.31 | 2.08 | 6.8 |
//! | prices | 2,048 x 8, 2 | 44.9 | 49.1 | 1.09 |
//! | prices | 2,048 x 64, 8 | 322 | 338 | 1.05 |
//! | prices | 4,096 x 256, 8 | 2,042 | 2,199 | 1.08 |
//! | scores | 2,048 x 8, 2 | 61.4 | 69.0 | 1.12 |
//! | scores | 2,048 x 64, 8 | 389 | 439 | 1.13 |
//! | scores | 4,096 x 256, 8 | 4,936 | 5,295 | 1.07 |
//!
//! So about 2 us a call, and 5 to 13 % of a batch of usual size, of which the gate itself is no part. Compiling took 32 ms with all that belongs to
//! opening a file of 5 KB, an instance 50 us. An instance reserves 4 GiB of addresses, not of memory.
//!
//! # Building one
//!
//! With clang and wasm-ld; `plugins/wasm/tests/fixtures` has modules in C and the script that builds them:
//!
//! ```text
//! clang --target=wasm32-unknown-unknown -O2 -ffreestanding -nostdlib -I include router.c -o router.wasm \
//!     -Wl,--no-entry -Wl,--export=isotherm_plugin_v1 -Wl,--export-table -Wl,--growable-table
//! ```
//!
//! Linkers before LLVM 17 drop the label unless they are told `-Wl,--no-gc-sections`. In Rust (not tried by this crate's tests): a `cdylib` for
//! `wasm32-unknown-unknown`, with `-C link-args="--export-table --growable-table"`. The table must be able to grow, for the
//! host's functions are put into it. The host takes memory behind the module's own: an allocator may use what lies between `__heap_base` and
//! `__heap_end` and what `memory.grow` has given to it, and must not take everything up to `memory.size` for its own.

mod engine;
mod failure;
mod guest;
mod inspection;
mod leaked;
mod limits;
mod module;
mod options;
mod router;
mod stop;

pub use inspection::inspect;
pub use limits::Limits;
pub use module::Module;
pub use options::OptionsFault;
pub use router::WasmRouter;
