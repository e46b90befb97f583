//! Placement policies of libraries behind the core's own trait.

use std::ffi::c_void;
use std::ptr;

use isotherm_core::config::{Faults, Node, Path};
use isotherm_core::id::GpuId;
use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec, Rebalance};
use isotherm_plugin_abi::{CopySink, OK, PlacementContext as Given, PlacementTraits, PlacementV1, Str};
use serde::{Serialize, Serializer};

use crate::copies;
use crate::failure::{creation, failure};
use crate::instance::Instance;
use crate::library::guarded;
use crate::offer::{Configured, Offer};
use crate::samples::SampleArrays;
use crate::text::Reports;

/// A placement policy of a library with its options.
#[derive(Debug)]
pub(crate) struct LoadedPlacement {
    configured: Configured,
    functions: PlacementV1,
    every_batches: u32,
}

impl LoadedPlacement {
    pub(crate) fn new(
        offer: &Offer,
        functions: PlacementV1,
        options: &Node,
        place: &Path,
        faults: &mut Faults,
    ) -> Option<Self> {
        let struct_size = size_of::<PlacementTraits>() as u32;
        let mut traits = PlacementTraits { struct_size, rebalance_every_batches: 0 };
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
        Some(Self { configured, functions, every_batches: traits.rebalance_every_batches })
    }

    fn create(&self) -> Result<Instance, PlacementError> {
        let Configured { subject, title, library, config, .. } = &self.configured;
        let (mut pointer, mut reports) = (ptr::null_mut(), Reports::default());
        let error = reports.sink();
        #[expect(unsafe_code, reason = "calls into a library")]
        let status = guarded(title, "making an instance", || {
            // SAFETY: all pointers are valid during the call, the host's table for ever.
            unsafe { (self.functions.create)(library.host(), Str::new(config), &raw mut pointer, &raw const error) }
        });
        if status != OK {
            let (option, message) = creation(subject, status, &reports);
            return Err(PlacementError::Option { option, message });
        }
        #[expect(unsafe_code, reason = "takes over what the library has made")]
        // SAFETY: `create` has made it, and `destroy` is of the same table.
        Ok(unsafe { Instance::new(pointer, self.functions.destroy) })
    }
}

/// The options with all defaults, for the resolved scenario.
impl Serialize for LoadedPlacement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.configured.serialize(serializer)
    }
}

impl PlacementSpec for LoadedPlacement {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        let instance = self.create()?;
        let mut arrays = ContextArrays::default();
        let given = arrays.context(context);
        let mut taken = Copies { of: vec![Vec::new(); context.experts], stray: None };
        let sink = CopySink { ctx: ptr::from_mut(&mut taken).cast(), copy };
        let mut reports = Reports::default();
        let error = reports.sink();
        #[expect(unsafe_code, reason = "calls into a library")]
        // SAFETY: all pointers are valid during the call and to as many values as the interface says.
        let status =
            unsafe { (self.functions.place)(instance.pointer(), &raw const given, &raw const sink, &raw const error) };
        let subject = &self.configured.subject;
        if status != OK {
            return Err(PlacementError::Unusable(failure(subject, "placing experts", status, &reports)));
        }
        if let Some(expert) = taken.stray {
            let experts = context.experts;
            let message = format!("{subject} has placed expert {expert}, but there are {experts}");
            return Err(PlacementError::Unusable(message));
        }
        Placement::new(context.gpus, taken.of)
            .map_err(|fault| PlacementError::Unusable(format!("{subject} has made no placement: {fault}")))
    }

    fn rebalance(&self) -> Option<Rebalance> {
        (self.every_batches > 0).then_some(Rebalance { every_batches: self.every_batches })
    }

    fn typetag_name(&self) -> &'static str {
        self.configured.name
    }

    fn typetag_deserialize(&self) {}
}

/// Takes the copies of a placement.
struct Copies {
    of: Vec<Vec<GpuId>>,
    /// The first expert that does not exist.
    stray: Option<u32>,
}

#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn copy(ctx: *mut c_void, expert: u32, device: u32) {
    // SAFETY: `ctx` is the `Copies` whose sink this is, alive during the call that hands it over.
    let Some(copies) = (unsafe { ctx.cast::<Copies>().as_mut() }) else { return };
    match copies.of.get_mut(expert as usize) {
        Some(homes) => homes.push(GpuId(device)),
        None => _ = copies.stray.get_or_insert(expert),
    }
}

/// The arrays that the core has in another shape; valid while experts are placed.
#[derive(Default)]
struct ContextArrays {
    samples: SampleArrays,
    copies: Vec<u32>,
    lost: Vec<u32>,
}

impl ContextArrays {
    /// The context with pointers into these arrays and into those of `context`.
    fn context(&mut self, context: &PlacementContext<'_>) -> Given {
        self.samples.fill(context.samples);
        copies::numbers(context.current.map_or(&[], |placement| placement.offsets().1), &mut self.copies);
        copies::numbers(context.lost, &mut self.lost);
        Given {
            struct_size: size_of::<Given>() as u32,
            experts: context.experts as u32,
            devices: context.gpus as u32,
            devices_per_node: context.gpus_per_node as u32,
            loads: copies::or_null(context.loads),
            speeds: copies::or_null(context.speeds),
            joules: copies::or_null(context.joules),
            sample_taken_ns: copies::or_null(&self.samples.taken_ns),
            sample_temperature_degc: copies::or_null(&self.samples.temperature_degc),
            sample_power_w: copies::or_null(&self.samples.power_w),
            copy_first: copies::first(context.current),
            copy_device: copies::or_null(&self.copies),
            lost: copies::or_null(&self.lost),
            lost_count: self.lost.len() as u32,
        }
    }
}
