//! Routers of libraries behind the core's own traits.

mod cluster;
mod context;
mod lines;
mod route;

use std::ptr;

use isotherm_core::config::{Faults, Node, Path};
use isotherm_core::router::{Router, RouterContext, RouterError, RouterSpec};
use isotherm_plugin_abi::{IS_REFERENCE, OK, RouterTraits, RouterV1, Str, USES_ORACLE};
use serde::{Serialize, Serializer};

use crate::failure::creation;
use crate::instance::Instance;
use crate::library::guarded;
use crate::offer::{Configured, Offer};
use crate::text::Reports;
use context::ContextArrays;
pub(crate) use route::LoadedInstance;

/// A router of a library with its options.
#[derive(Debug)]
pub(crate) struct LoadedRouter {
    configured: Configured,
    functions: RouterV1,
    /// [`USES_ORACLE`] and [`IS_REFERENCE`].
    flags: u32,
}

impl LoadedRouter {
    pub(crate) fn new(
        offer: &Offer,
        functions: RouterV1,
        options: &Node,
        place: &Path,
        faults: &mut Faults,
    ) -> Option<Self> {
        let mut traits = RouterTraits { struct_size: size_of::<RouterTraits>() as u32, flags: 0 };
        let filled = &raw mut traits;
        let configure = functions.configure.map(|configure| {
            move |config, resolved, error| {
                #[expect(unsafe_code, reason = "calls into a library")]
                // SAFETY: all pointers are valid during the call.
                unsafe {
                    configure(config, resolved, filled, error)
                }
            }
        });
        let configured = offer.configure(options, place, faults, configure)?;
        Some(Self { configured, functions, flags: traits.flags })
    }
}

/// The options with all defaults, for the resolved scenario.
impl Serialize for LoadedRouter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.configured.serialize(serializer)
    }
}

impl RouterSpec for LoadedRouter {
    fn build(&self, context: &RouterContext<'_>) -> Result<Box<dyn Router>, RouterError> {
        let Configured { subject, title, library, config, .. } = &self.configured;
        let arrays = ContextArrays::of(context);
        let given = arrays.context(context);
        let (mut pointer, mut reports) = (ptr::null_mut(), Reports::default());
        let error = reports.sink();
        #[expect(unsafe_code, reason = "calls into a library")]
        let status = guarded(title, "making an instance", || {
            // SAFETY: all pointers are valid during the call, the host's table for ever.
            unsafe {
                (self.functions.create)(
                    library.host(),
                    Str::new(config),
                    &raw const given,
                    &raw mut pointer,
                    &raw const error,
                )
            }
        });
        if status != OK {
            let (option, message) = creation(subject, status, &reports);
            return Err(RouterError::Option { option, message });
        }
        #[expect(unsafe_code, reason = "takes over what the library has made")]
        // SAFETY: `create` has made it, and `destroy` is of the same table.
        let instance = unsafe { Instance::new(pointer, self.functions.destroy) };
        Ok(Box::new(LoadedInstance::new(subject.clone(), self.functions, instance, context)))
    }

    fn uses_oracle(&self) -> bool {
        self.flags & USES_ORACLE != 0
    }

    fn is_reference(&self) -> bool {
        self.flags & IS_REFERENCE != 0
    }

    fn typetag_name(&self) -> &'static str {
        self.configured.name
    }

    fn typetag_deserialize(&self) {}
}
