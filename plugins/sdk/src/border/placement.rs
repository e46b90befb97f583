//! The table of a placement policy.
#![expect(unsafe_code, reason = "the functions of a C table take the caller's pointers")]

use std::ffi::c_void;
use std::marker::PhantomData;

use isotherm_core::id::GpuId;
use isotherm_core::placement::{Placement, PlacementContext};
use isotherm_core::telemetry::Sample;
use isotherm_plugin_abi::{self as abi, CopySink, ErrorSink, Host, PlacementTraits, PlacementV1, Sink, Status, Str};

use super::call::{Held, call};
use super::cluster::read_placement;
use super::fault::Fault;
use super::given::{array, optional, place as instance_place, record, record_mut, size_to, text, write};
use super::{options, samples};
use crate::author::PlacementPolicy;

/// Sizes of the structs of interface 1.0.
const CONTEXT: usize = size_to!(abi::PlacementContext, lost_count);
const TRAITS: usize = size_to!(PlacementTraits, rebalance_every_batches);

/// The table of a policy.
pub(crate) struct Table<P>(PhantomData<P>);

impl<P: PlacementPolicy> Table<P> {
    pub(crate) const V1: &'static PlacementV1 = &PlacementV1 {
        struct_size: size_of::<PlacementV1>() as u32,
        flags: 0,
        configure: Some(configure::<P>),
        create: create::<P>,
        destroy: destroy::<P>,
        place: place::<P>,
        get_extension: None,
    };
}

unsafe extern "C" fn configure<P: PlacementPolicy>(
    config: Str,
    resolved: *const Sink,
    traits: *mut PlacementTraits,
    error: *const ErrorSink,
) -> Status {
    super::panics::install_hook();
    call(error, || {
        // SAFETY: pointers are what the interface says.
        let (config, traits) = unsafe { (text(config, "config")?, record_mut(traits, TRAITS, "traits")?) };
        let policy: P = options::read(config)?;
        traits.rebalance_every_batches = policy.rebalance().map_or(0, |rebalance| rebalance.every_batches);
        let text = options::write(&policy)?;
        // SAFETY: as above.
        unsafe { write(resolved, text.as_bytes(), "resolved") }
    })
}

unsafe extern "C" fn create<P: PlacementPolicy>(
    host: *const Host,
    config: Str,
    instance: *mut *mut c_void,
    error: *const ErrorSink,
) -> Status {
    super::panics::install_hook();
    call(error, || {
        // SAFETY: pointers are what the interface says.
        let (config, instance) = unsafe {
            crate::export::connect(host)?;
            (text(config, "config")?, instance_place(instance)?)
        };
        let policy: P = options::read(config)?;
        *instance = Held::lend(policy);
        Ok(())
    })
}

unsafe extern "C" fn destroy<P: PlacementPolicy>(instance: *mut c_void) {
    // SAFETY: the host hands back what `create` gave, once.
    unsafe { Held::<P>::destroy(instance) }
}

unsafe extern "C" fn place<P: PlacementPolicy>(
    instance: *mut c_void,
    context: *const abi::PlacementContext,
    copies: *const CopySink,
    error: *const ErrorSink,
) -> Status {
    // SAFETY: pointers are what the interface says, and an instance gets one call at a time.
    unsafe {
        Held::<P>::call(instance, error, |policy| {
            let given = record(context, CONTEXT, "context")?;
            let copies = copies.as_ref().ok_or_else(|| Fault::abi("`copies` is null; expected a sink"))?;
            let placement = policy.place(&Measured::read(given)?.context(given)?)?;
            for (expert, gpu) in placement.iter() {
                (copies.copy)(copies.ctx, expert.0, gpu.0);
            }
            Ok(())
        })
    }
}

/// What a context of the core borrows.
struct Measured {
    samples: Vec<Sample>,
    current: Option<Placement>,
    lost: Vec<GpuId>,
}

impl Measured {
    /// # Safety
    /// The pointers of `given` are what the interface says.
    unsafe fn read(given: &abi::PlacementContext) -> Result<Self, Fault> {
        let devices = given.devices as usize;
        // SAFETY: as promised above.
        let (taken, degc, watts, lost) = unsafe {
            (
                optional(given.sample_taken_ns, devices, "sample_taken_ns")?.unwrap_or_default(),
                optional(given.sample_temperature_degc, devices, "sample_temperature_degc")?.unwrap_or_default(),
                optional(given.sample_power_w, devices, "sample_power_w")?.unwrap_or_default(),
                array(given.lost, given.lost_count as usize, "lost")?,
            )
        };
        let (mut list, mut current) = (Vec::new(), None);
        samples::read(taken, degc, watts, &mut list);
        // SAFETY: as promised above.
        unsafe { read_placement(&mut current, given.copy_first, given.copy_device, given.experts, given.devices)? };
        Ok(Self { samples: list, current, lost: lost.iter().map(|gpu| GpuId(*gpu)).collect() })
    }

    /// The context that the author's code gets.
    ///
    /// # Safety
    /// The pointers of `given` are what the interface says, and stay so during `'a`.
    unsafe fn context<'a>(&'a self, given: &abi::PlacementContext) -> Result<PlacementContext<'a>, Fault> {
        let (experts, gpus) = (given.experts as usize, given.devices as usize);
        let mut context =
            PlacementContext::at_start(experts, gpus).with_nodes_of(given.devices_per_node.max(1) as usize);
        // SAFETY: as promised above.
        unsafe {
            context.loads = optional(given.loads, experts, "loads")?.unwrap_or_default();
            context.speeds = optional(given.speeds, gpus, "speeds")?.unwrap_or_default();
            context.joules = optional(given.joules, gpus, "joules")?.unwrap_or_default();
        }
        context.samples = &self.samples;
        context.current = self.current.as_ref();
        context.lost = &self.lost;
        Ok(context)
    }
}
