//! The table of a telemetry source.
#![expect(unsafe_code, reason = "the functions of a C table take the caller's pointers")]

use std::ffi::c_void;
use std::marker::PhantomData;

use isotherm_core::telemetry::{Sample, TelemetryError, Truth};
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Joules, Watts};
use isotherm_plugin_abi::{
    CONFIG, ErrorSink, Host, Poll, Samples, Sink, Status, Str, TelemetryContext, TelemetryTraits, TelemetryV1,
};

use super::call::{Held, call};
use super::fault::Fault;
use super::given::{array, array_mut, place, record, record_mut, size_to, text, write};
use super::{options, samples};
use crate::author::Telemetry;

/// Sizes of the structs of interface 1.0.
const CONTEXT: usize = size_to!(TelemetryContext, seed);
const POLL: usize = size_to!(Poll, true_power_w);
const SAMPLES: usize = size_to!(Samples, power_w);
const TRAITS: usize = size_to!(TelemetryTraits, period_ns);

/// The table of a source.
pub(crate) struct Table<T>(PhantomData<T>);

impl<T: Telemetry> Table<T> {
    pub(crate) const V1: &'static TelemetryV1 = &TelemetryV1 {
        struct_size: size_of::<TelemetryV1>() as u32,
        flags: 0,
        configure: configure::<T>,
        create: create::<T>,
        destroy: destroy::<T>,
        sample: sample::<T>,
        save: Some(save::<T>),
        restore: Some(restore::<T>),
        get_extension: None,
    };
}

/// A source in a run, with the lists that the host's arrays are read into.
struct Instance<T> {
    source: T,
    /// What it was made of: a restored instance is made anew.
    options: T,
    gpus: usize,
    seed: u64,
    truth: Vec<Truth>,
    samples: Vec<Sample>,
}

impl<T: Telemetry> Instance<T> {
    fn create(options: T, context: &TelemetryContext) -> Result<Self, TelemetryError> {
        let (gpus, seed) = (context.devices as usize, context.seed);
        let source = crate::linked::started(&options, gpus, seed)?;
        Ok(Self { source, options, gpus, seed, truth: Vec::new(), samples: Vec::new() })
    }

    /// Whatever state the instance was in. Nothing changes if the bytes are no state.
    fn restore(&mut self, state: &[u8]) -> Result<(), TelemetryError> {
        let mut fresh = crate::linked::started(&self.options, self.gpus, self.seed)?;
        fresh.load(state)?;
        self.source = fresh;
        Ok(())
    }

    /// # Safety
    /// The pointers of both structs are what the interface says.
    unsafe fn sample(&mut self, poll: &Poll, out: &mut Samples) -> Result<(), Fault> {
        if poll.devices as usize != self.gpus || out.devices != poll.devices {
            let found = format!("{} and {}", poll.devices, out.devices);
            return Err(Fault::abi(format!("a poll of {found} GPUs; the instance was made for {}", self.gpus)));
        }
        // SAFETY: as promised above.
        let (degc, watts) = unsafe {
            (
                array(poll.true_temperature_degc, self.gpus, "true_temperature_degc")?,
                array(poll.true_power_w, self.gpus, "true_power_w")?,
            )
        };
        self.truth.clear();
        self.truth.extend(degc.iter().zip(watts).map(|(degc, watts)| Truth {
            temperature: Celsius::new(*degc),
            power: Watts::new(*watts),
            // The interface does not carry it.
            energy: Joules::new(f64::NAN),
        }));
        // SAFETY: as promised above.
        let (taken, degc, watts) = unsafe {
            (
                array_mut(out.taken_ns, self.gpus, "taken_ns")?,
                array_mut(out.temperature_degc, self.gpus, "temperature_degc")?,
                array_mut(out.power_w, self.gpus, "power_w")?,
            )
        };
        samples::read(taken, degc, watts, &mut self.samples);
        self.source.sample(SimTime::from_nanos(poll.now_ns), &self.truth, &mut self.samples)?;
        samples::write(&self.samples, taken, degc, watts);
        Ok(())
    }
}

unsafe extern "C" fn configure<T: Telemetry>(
    config: Str,
    resolved: *const Sink,
    traits: *mut TelemetryTraits,
    warning: *const Sink,
    error: *const ErrorSink,
) -> Status {
    super::panics::install_hook();
    call(error, || {
        // SAFETY: pointers are what the interface says.
        let (config, traits) = unsafe { (text(config, "config")?, record_mut(traits, TRAITS, "traits")?) };
        let source: T = options::read(config)?;
        let period_ns = source.period().nanos();
        if period_ns == 0 {
            let message = "a source is polled again after some time; expected a period of at least 1 ns";
            return Err(Fault::new(CONFIG, message));
        }
        traits.period_ns = period_ns;
        traits.prescribes_temperature = source.prescribes_temperature().into();
        let text = options::write(&source)?;
        // SAFETY: as above.
        unsafe {
            write(resolved, text.as_bytes(), "resolved")?;
            source.warning().map_or(Ok(()), |text| write(warning, text.as_bytes(), "warning"))
        }
    })
}

unsafe extern "C" fn create<T: Telemetry>(
    host: *const Host,
    config: Str,
    context: *const TelemetryContext,
    instance: *mut *mut c_void,
    error: *const ErrorSink,
) -> Status {
    super::panics::install_hook();
    call(error, || {
        // SAFETY: pointers are what the interface says.
        let (config, context, instance) = unsafe {
            crate::export::connect(host)?;
            (text(config, "config")?, record(context, CONTEXT, "context")?, place(instance)?)
        };
        *instance = Held::lend(Instance::<T>::create(options::read(config)?, context)?);
        Ok(())
    })
}

unsafe extern "C" fn destroy<T: Telemetry>(instance: *mut c_void) {
    // SAFETY: the host hands back what `create` gave, once.
    unsafe { Held::<Instance<T>>::destroy(instance) }
}

unsafe extern "C" fn sample<T: Telemetry>(
    instance: *mut c_void,
    poll: *const Poll,
    samples: *mut Samples,
    error: *const ErrorSink,
) -> Status {
    // SAFETY: pointers are what the interface says, and an instance gets one call at a time.
    unsafe {
        Held::<Instance<T>>::call(instance, error, |instance| {
            instance.sample(record(poll, POLL, "poll")?, record_mut(samples, SAMPLES, "samples")?)
        })
    }
}

unsafe extern "C" fn save<T: Telemetry>(instance: *mut c_void, state: *const Sink, error: *const ErrorSink) -> Status {
    // SAFETY: as for `sample`.
    unsafe { Held::<Instance<T>>::call(instance, error, |instance| write(state, &instance.source.save(), "state")) }
}

unsafe extern "C" fn restore<T: Telemetry>(
    instance: *mut c_void,
    state: *const u8,
    len: usize,
    error: *const ErrorSink,
) -> Status {
    // SAFETY: as for `sample`.
    unsafe {
        Held::<Instance<T>>::revive(instance, error, |instance| Ok(instance.restore(array(state, len, "state")?)?))
    }
}
