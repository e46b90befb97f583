//! Telemetry sources of libraries behind the core's own traits.

use std::ptr;

use isotherm_core::config::{Fault, FaultKind, Faults, Node, Path};
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, Watts};
use isotherm_plugin_abi::{OK, Poll, Samples, Str, TelemetryContext, TelemetryTraits, TelemetryV1};
use serde::{Serialize, Serializer};

use crate::failure::{creation, failure};
use crate::instance::Instance;
use crate::leaked::leaked;
use crate::library::guarded;
use crate::offer::{Configured, Offer};
use crate::samples::SampleArrays;
use crate::state;
use crate::text::{Collected, Reports};

/// A telemetry source of a library with its options.
#[derive(Debug)]
pub(crate) struct LoadedTelemetry {
    configured: Configured,
    functions: TelemetryV1,
    period: SimDuration,
    prescribes_temperature: bool,
    warning: Option<&'static str>,
}

impl LoadedTelemetry {
    pub(crate) fn new(
        offer: &Offer,
        functions: TelemetryV1,
        options: &Node,
        place: &Path,
        faults: &mut Faults,
    ) -> Option<Self> {
        let struct_size = size_of::<TelemetryTraits>() as u32;
        let mut traits = TelemetryTraits { struct_size, prescribes_temperature: 0, period_ns: 0 };
        let mut warning = Collected::default();
        let sink = warning.sink();
        let configure = Some(|config, resolved, error| {
            #[expect(unsafe_code, reason = "calls into a library")]
            // SAFETY: all pointers are valid during the call.
            unsafe {
                (functions.configure)(config, resolved, &raw mut traits, &raw const sink, error)
            }
        });
        let configured = offer.configure(options, place, faults, configure)?;
        if traits.period_ns == 0 {
            let message = format!("{} has named no time between two polls; expected at least 1 ns", configured.subject);
            faults.push(Fault::new(FaultKind::Invalid, place.to_string(), message).origin(options.origin.clone()));
            return None;
        }
        Some(Self {
            configured,
            functions,
            period: SimDuration::from_nanos(traits.period_ns),
            prescribes_temperature: traits.prescribes_temperature != 0,
            warning: Some(warning.text()).filter(|text| !text.is_empty()).map(|text| leaked(&text)),
        })
    }
}

/// The options with all defaults, for the resolved scenario.
impl Serialize for LoadedTelemetry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.configured.serialize(serializer)
    }
}

impl TelemetrySpec for LoadedTelemetry {
    fn period(&self) -> SimDuration {
        self.period
    }

    fn build(&self, gpus: usize, seed: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        let Configured { subject, title, library, config, .. } = &self.configured;
        let struct_size = size_of::<TelemetryContext>() as u32;
        let context = TelemetryContext { struct_size, devices: gpus as u32, seed };
        let (mut pointer, mut reports) = (ptr::null_mut(), Reports::default());
        let error = reports.sink();
        #[expect(unsafe_code, reason = "calls into a library")]
        let status = guarded(title, "making an instance", || {
            // SAFETY: all pointers are valid during the call, the host's table for ever.
            unsafe {
                (self.functions.create)(
                    library.host(),
                    Str::new(config),
                    &raw const context,
                    &raw mut pointer,
                    &raw const error,
                )
            }
        });
        if status != OK {
            let (option, message) = creation(subject, status, &reports);
            return Err(TelemetryError::Option { option, message });
        }
        #[expect(unsafe_code, reason = "takes over what the library has made")]
        // SAFETY: `create` has made it, and `destroy` is of the same table.
        let instance = unsafe { Instance::new(pointer, self.functions.destroy) };
        Ok(Box::new(LoadedSource {
            subject: subject.clone(),
            functions: self.functions,
            instance,
            gpus,
            temperature: Vec::with_capacity(gpus),
            power: Vec::with_capacity(gpus),
            samples: SampleArrays::default(),
            reports: Reports::default(),
        }))
    }

    fn prescribes_temperature(&self) -> bool {
        self.prescribes_temperature
    }

    fn warning(&self) -> Option<&'static str> {
        self.warning
    }

    fn typetag_name(&self) -> &'static str {
        self.configured.name
    }

    fn typetag_deserialize(&self) {}
}

/// A telemetry source that a library has made, and the host's arrays that it reads and writes.
#[derive(Debug)]
struct LoadedSource {
    subject: String,
    functions: TelemetryV1,
    instance: Instance,
    gpus: usize,
    temperature: Vec<f64>,
    power: Vec<f64>,
    samples: SampleArrays,
    reports: Reports,
}

impl LoadedSource {
    fn poll(&mut self, now: SimTime, truth: &[Truth]) -> Result<(), TelemetryError> {
        self.temperature.clear();
        self.power.clear();
        self.temperature.extend(truth.iter().map(|truth| truth.temperature.get()));
        self.power.extend(truth.iter().map(|truth| truth.power.get()));
        let devices = truth.len() as u32;
        let poll = Poll {
            struct_size: size_of::<Poll>() as u32,
            devices,
            now_ns: now.nanos(),
            true_temperature_degc: self.temperature.as_ptr(),
            true_power_w: self.power.as_ptr(),
        };
        let mut samples = Samples {
            struct_size: size_of::<Samples>() as u32,
            devices,
            taken_ns: self.samples.taken_ns.as_mut_ptr(),
            temperature_degc: self.samples.temperature_degc.as_mut_ptr(),
            power_w: self.samples.power_w.as_mut_ptr(),
        };
        let error = self.reports.sink();
        #[expect(unsafe_code, reason = "calls into a library")]
        // SAFETY: all pointers are valid during the call, the arrays have a value for each device; the instance is borrowed for writing.
        let status = unsafe {
            (self.functions.sample)(self.instance.pointer(), &raw const poll, &raw mut samples, &raw const error)
        };
        if status == OK {
            return Ok(());
        }
        let message = failure(&self.subject, "sampling", status, &self.reports);
        self.reports.0.clear();
        Err(TelemetryError::Failed(message))
    }

    /// One sample of the arrays, if it is one.
    fn sample_of(&self, gpu: usize, now: SimTime) -> Result<Sample, TelemetryError> {
        let SampleArrays { taken_ns, temperature_degc, power_w } = &self.samples;
        let broken = |what: String| {
            let message = format!("{} broke the interface: {what} of GPU {gpu}", self.subject);
            Err(TelemetryError::Failed(message))
        };
        if taken_ns[gpu] > now.nanos() {
            return broken(format!("a sample from {} ns after the poll", taken_ns[gpu] - now.nanos()));
        }
        let (degc, watts) = (temperature_degc[gpu], power_w[gpu]);
        if degc.is_infinite() || watts.is_infinite() {
            return broken(format!("an infinite sample ({degc} degC, {watts} W)"));
        }
        Ok(Sample {
            taken_at: SimTime::from_nanos(taken_ns[gpu]),
            temperature: (!degc.is_nan()).then_some(Celsius::new(degc)),
            power: (!watts.is_nan()).then_some(Watts::new(watts)),
        })
    }
}

impl TelemetrySource for LoadedSource {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        if [truth.len(), out.len()] != [self.gpus; 2] {
            return Err(TelemetryError::Failed(format!("{}: the poll is of other hardware", self.subject)));
        }
        self.samples.fill(out);
        self.poll(now, truth)?;
        for (gpu, sample) in out.iter_mut().enumerate() {
            *sample = self.sample_of(gpu, now)?;
        }
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.instance, self.functions.save, &self.subject)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), TelemetryError> {
        state::load(&mut self.instance, self.functions.restore, &self.subject, bytes).map_err(TelemetryError::State)
    }
}
