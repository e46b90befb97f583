//! The table of a load.
#![expect(unsafe_code, reason = "the functions of a C table take the caller's pointers")]

use std::ffi::c_void;
use std::marker::PhantomData;

use isotherm_core::id::ExpertId;
use isotherm_core::load::{Load, LoadShape, Share};
use isotherm_plugin_abi::{ErrorSink, Host, LoadContext, LoadV1, Shares, Sink, Status, Str};

use super::call::{Held, call};
use super::fault::Fault;
use super::given::{array, array_mut, place, record, size_to, text, write};
use super::options;
use crate::author::LoadSpec;

/// Sizes of the structs of interface 1.1, which brought them.
const CONTEXT: usize = size_to!(LoadContext, matrices);
const SHARES: usize = size_to!(Shares, assignments);

/// The table of a load.
pub(crate) struct Table<S>(PhantomData<S>);

impl<S: LoadSpec> Table<S> {
    pub(crate) const V1: &'static LoadV1 = &LoadV1 {
        struct_size: size_of::<LoadV1>() as u32,
        flags: 0,
        configure: Some(configure::<S>),
        create: create::<S>,
        destroy,
        device_name,
        execute,
        get_extension: None,
    };
}

/// A load in a live run, with the lists that the host's arrays are read into.
struct Instance {
    load: Box<dyn Load>,
    shares: Vec<Share>,
}

impl Instance {
    /// # Safety
    /// The pointers of `context` are what the interface says.
    unsafe fn create<S: LoadSpec>(spec: &S, context: &LoadContext) -> Result<Self, Fault> {
        let LoadContext { devices, device, experts, top_k, d_model, d_ff, matrices, .. } = *context;
        // SAFETY: as promised above.
        let devices = unsafe { array(device, devices as usize, "device")? }.to_vec();
        let gpus = devices.len();
        let load = spec.build(&LoadShape { devices, experts, top_k, d_model, d_ff, matrices })?;
        let named = load.devices().len();
        if named != gpus {
            return Err(Fault::new(isotherm_plugin_abi::FAILED, format!("the load names {named} devices, not {gpus}")));
        }
        Ok(Self { load, shares: vec![Share::new(); gpus] })
    }

    /// # Safety
    /// The pointers of `given` are what the interface says, and `seconds` points to a value for each GPU.
    unsafe fn execute(&mut self, given: &Shares, seconds: *mut f64) -> Result<(), Fault> {
        let gpus = self.shares.len();
        if given.devices as usize != gpus {
            return Err(Fault::abi(format!("shares of {} GPUs; the instance was made for {gpus}", given.devices)));
        }
        // SAFETY: as promised above; the last offset is the length of both arrays.
        let (first, expert, assignments, seconds) = unsafe {
            let first = array(given.first, gpus + 1, "first")?;
            let entries = ascending(first)?;
            (
                first,
                array(given.expert, entries, "expert")?,
                array(given.assignments, entries, "assignments")?,
                array_mut(seconds, gpus, "seconds")?,
            )
        };
        for (share, bounds) in self.shares.iter_mut().zip(first.windows(2)) {
            let entries = bounds[0] as usize..bounds[1] as usize;
            share.clear();
            share.extend(
                expert[entries.clone()].iter().zip(&assignments[entries]).map(|(expert, n)| (ExpertId(*expert), *n)),
            );
        }
        Ok(self.load.execute(&self.shares, seconds)?)
    }
}

/// The length of what the offsets lead into, if they begin at 0 and never go back.
fn ascending(first: &[u32]) -> Result<usize, Fault> {
    if first.first() != Some(&0) || !first.is_sorted() {
        return Err(Fault::abi(format!("`first` is {first:?}; expected offsets that begin at 0 and never go back")));
    }
    Ok(first.last().map_or(0, |last| *last as usize))
}

unsafe extern "C" fn configure<S: LoadSpec>(config: Str, resolved: *const Sink, error: *const ErrorSink) -> Status {
    super::panics::install_hook();
    call(error, || {
        // SAFETY: pointers are what the interface says.
        let spec: S = options::read(unsafe { text(config, "config")? })?;
        let text = options::write(&spec)?;
        // SAFETY: as above.
        unsafe { write(resolved, text.as_bytes(), "resolved") }
    })
}

unsafe extern "C" fn create<S: LoadSpec>(
    host: *const Host,
    config: Str,
    context: *const LoadContext,
    instance: *mut *mut c_void,
    error: *const ErrorSink,
) -> Status {
    super::panics::install_hook();
    call(error, || {
        // SAFETY: pointers are what the interface says.
        unsafe {
            crate::export::connect(host)?;
            let (config, context) = (text(config, "config")?, record(context, CONTEXT, "context")?);
            let (instance, spec) = (place(instance)?, options::read::<S>(config)?);
            *instance = Held::lend(Instance::create(&spec, context)?);
        }
        Ok(())
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    // SAFETY: the host hands back what `create` gave, once.
    unsafe { Held::<Instance>::destroy(instance) }
}

unsafe extern "C" fn device_name(
    instance: *mut c_void,
    gpu: u32,
    name: *const Sink,
    error: *const ErrorSink,
) -> Status {
    // SAFETY: pointers are what the interface says, and an instance gets one call at a time.
    unsafe {
        Held::<Instance>::call(instance, error, |instance| {
            let devices = instance.load.devices();
            let Some(device) = devices.get(gpu as usize) else {
                return Err(Fault::abi(format!("GPU {gpu}; the instance was made for {}", devices.len())));
            };
            write(name, device.as_bytes(), "name")
        })
    }
}

unsafe extern "C" fn execute(
    instance: *mut c_void,
    shares: *const Shares,
    seconds: *mut f64,
    error: *const ErrorSink,
) -> Status {
    // SAFETY: as for `device_name`.
    unsafe {
        Held::<Instance>::call(instance, error, |instance| instance.execute(record(shares, SHARES, "shares")?, seconds))
    }
}
