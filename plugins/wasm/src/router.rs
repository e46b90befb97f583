//! Routers of modules behind the core's own traits.

mod arrays;
mod context;
mod decision;
mod instance;

use isotherm_core::router::{Router, RouterContext, RouterError, RouterSpec};
use isotherm_plugin_abi::{CONFIG, IS_REFERENCE, OK, USES_ORACLE};
use isotherm_plugin_host::options::Report;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::failure::failure;
use crate::guest::Block;
use crate::leaked::leaked;
use crate::module::Module;
use instance::WasmInstance;

/// A router of a module with options that the module has accepted.
///
/// Every router built from it is an instance of the module with a memory of its own. Builds as a built-in kind does, but cannot be read back by
/// its name alone: whoever reads a scenario asks the [`Module`] for it.
#[derive(Debug)]
pub struct WasmRouter {
    module: Module,
    name: &'static str,
    /// How messages name it.
    subject: String,
    options: Options,
}

/// What the module has made of the options.
#[derive(Debug)]
pub(crate) struct Options {
    /// JSON, what instances are made with.
    pub(crate) config: String,
    /// The same for scenarios: with all defaults, without null.
    pub(crate) resolved: Map<String, Value>,
    /// [`USES_ORACLE`] and [`IS_REFERENCE`].
    pub(crate) traits: u32,
}

impl WasmRouter {
    pub(crate) fn new(module: &Module, name: &str, options: Options) -> Self {
        Self { module: module.clone(), name: leaked(name), subject: module.subject(name), options }
    }

    /// `owner/name`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The options with all defaults filled in, as they stand in a resolved scenario.
    #[must_use]
    pub fn options(&self) -> &Map<String, Value> {
        &self.options.resolved
    }

    fn make(&self, context: &RouterContext<'_>) -> Result<WasmInstance, RouterError> {
        let stopped = |stop| RouterError::Failed(format!("{} {stop}", self.subject));
        let (mut sandbox, functions) = self.module.instance(self.name).map_err(stopped)?;
        let create = sandbox.function::<(u32, u32, u32, u32, u32), i32>(functions.create, "create").map_err(stopped)?;
        let lay = |block: &mut Block<'_>| {
            let config = block.text(&self.options.config);
            (config, context::lay(block, context), block.zeroes::<u32>(1))
        };
        let (_, (config, given, made)) = sandbox.lay(lay).map_err(stopped)?;
        let callbacks = sandbox.callbacks();
        let arguments = (callbacks.host, config, given, made, callbacks.errors);
        let status = sandbox.call(&create, arguments).map_err(stopped)?;
        if status != OK {
            return Err(self.not_made(status, sandbox.reports()));
        }
        let mut pointer = [0_u32];
        sandbox.read(made, &mut pointer).map_err(stopped)?;
        WasmInstance::new(self.subject.clone(), sandbox, functions, pointer[0], context).map_err(stopped)
    }

    fn not_made(&self, status: i32, reports: &[Report]) -> RouterError {
        let named = reports.iter().find(|report| status == CONFIG && report.pointer.len() > 1);
        match named {
            Some(report) => RouterError::Option {
                option: leaked(&report.pointer[1..].replace('/', ".")),
                message: format!("{} ({})", report.message, self.subject),
            },
            None => {
                let message = failure(&self.subject, "being made", status, reports);
                RouterError::Option { option: "kind", message }
            }
        }
    }
}

/// The options with all defaults, for the resolved scenario.
impl Serialize for WasmRouter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.options.resolved.serialize(serializer)
    }
}

impl RouterSpec for WasmRouter {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        Ok(Box::new(self.make(context)?))
    }

    fn uses_oracle(&self) -> bool {
        self.options.traits & USES_ORACLE != 0
    }

    fn is_reference(&self) -> bool {
        self.options.traits & IS_REFERENCE != 0
    }

    fn typetag_name(&self) -> &'static str {
        self.name
    }

    fn typetag_deserialize(&self) {}
}
