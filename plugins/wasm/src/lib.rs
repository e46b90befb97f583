//! Routers as WebAssembly modules: code that nobody has to trust.
#![doc = ""]

mod engine;
mod failure;
mod guest;
mod inspection;
mod leaked;
mod limits;
mod module;
mod options;
mod refusal;
mod router;
mod stop;

pub use guest::Report;
pub use limits::Limits;
pub use module::Module;
pub use options::OptionsFault;
pub use refusal::{Refusal, RefusalKind};
pub use router::WasmRouter;
