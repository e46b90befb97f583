//! Loads of libraries behind the core's own trait.

use std::ptr;

use isotherm_core::load::{Load, LoadError, LoadShape, Share};
use isotherm_plugin_abi::{LoadContext, LoadV1, OK, Shares, Str};

use crate::failure::failure;
use crate::instance::Instance;
use crate::library::{Library, guarded};
use crate::text::{Collected, Reports};

/// A load that a library has made, and the host's arrays that it reads.
#[derive(Debug)]
pub(crate) struct LoadedLoad {
    subject: String,
    functions: LoadV1,
    instance: Instance,
    experts: u32,
    devices: Vec<String>,
    /// Where each GPU's share begins in the next two.
    first: Vec<u32>,
    expert: Vec<u32>,
    assignments: Vec<u32>,
}

impl LoadedLoad {
    /// `options` is a JSON object.
    pub(crate) fn new(
        library: &'static Library,
        name: &str,
        functions: LoadV1,
        shape: &LoadShape,
        options: &str,
    ) -> Result<Self, LoadError> {
        let (subject, title) = (library.subject(name), library.title());
        check_shape(shape)?;
        let config = configured(&functions, &subject, &title, options)?;
        let context = LoadContext {
            struct_size: size_of::<LoadContext>() as u32,
            devices: shape.devices.len() as u32,
            device: shape.devices.as_ptr(),
            experts: shape.experts,
            top_k: shape.top_k,
            d_model: shape.d_model,
            d_ff: shape.d_ff,
            matrices: shape.matrices,
        };
        let (mut pointer, mut reports) = (ptr::null_mut(), Reports::default());
        let (error, place) = (reports.sink(), &raw mut pointer);
        #[expect(unsafe_code, reason = "calls into a library")]
        let status = guarded(&title, "making an instance", || {
            // SAFETY: all pointers are valid during the call, the host's table for ever.
            unsafe {
                (functions.create)(library.host(), Str::new(&config), &raw const context, place, &raw const error)
            }
        });
        if status != OK {
            return Err(LoadError::Unfit(failure(&subject, "being made", status, &reports)));
        }
        #[expect(unsafe_code, reason = "takes over what the library has made")]
        // SAFETY: `create` has made it, and `destroy` is of the same table.
        let instance = unsafe { Instance::new(pointer, functions.destroy) };
        let (devices, first) = (Vec::new(), Vec::with_capacity(shape.devices.len() + 1));
        let (expert, assignments, experts) = (Vec::new(), Vec::new(), shape.experts);
        let mut load = Self { subject, functions, instance, experts, devices, first, expert, assignments };
        load.devices = (0..context.devices).map(|gpu| load.device_name(gpu)).collect::<Result<_, _>>()?;
        Ok(load)
    }

    fn device_name(&mut self, gpu: u32) -> Result<String, LoadError> {
        let (mut name, mut reports) = (Collected::default(), Reports::default());
        let (sink, error) = (name.sink(), reports.sink());
        #[expect(unsafe_code, reason = "calls into a library")]
        // SAFETY: all pointers are valid during the call; the instance is borrowed for writing.
        let status =
            unsafe { (self.functions.device_name)(self.instance.pointer(), gpu, &raw const sink, &raw const error) };
        match status {
            OK => Ok(name.text().into_owned()),
            _ => Err(LoadError::Unfit(failure(&self.subject, "naming its devices", status, &reports))),
        }
    }

    /// The shares as the interface has them.
    fn flatten(&mut self, shares: &[Share]) -> Result<(), LoadError> {
        self.first.clear();
        self.expert.clear();
        self.assignments.clear();
        self.first.push(0);
        for (gpu, share) in shares.iter().enumerate() {
            let ascending = share.is_sorted_by(|(one, _), (next, _)| one < next);
            let known = share.iter().all(|(expert, assignments)| expert.0 < self.experts && *assignments > 0);
            if !ascending || !known {
                let found = format!("the share of GPU {gpu} is {share:?}");
                let expected = format!("ascending experts below {} with at least one assignment each", self.experts);
                return Err(LoadError::Failed(format!("{found}; expected {expected}, such as [(e0, 16), (e3, 8)]")));
            }
            self.expert.extend(share.iter().map(|(expert, _)| expert.0));
            self.assignments.extend(share.iter().map(|(_, assignments)| *assignments));
            self.first.push(self.expert.len() as u32);
        }
        Ok(())
    }

    /// Whether what the library has measured can have been.
    fn check_seconds(&self, shares: &[Share], seconds: &[f64]) -> Result<(), LoadError> {
        let possible = |(share, seconds): (&Share, &f64)| match share.is_empty() {
            true => *seconds == 0.0,
            false => seconds.is_finite() && *seconds > 0.0,
        };
        match shares.iter().zip(seconds).position(|pair| !possible(pair)) {
            None => Ok(()),
            Some(gpu) => Err(LoadError::Failed(format!(
                "{} broke the interface: {} s for GPU {gpu} with work for {} experts; expected more than 0 s exactly where there is work",
                self.subject,
                seconds[gpu],
                shares[gpu].len()
            ))),
        }
    }
}

impl Load for LoadedLoad {
    fn devices(&self) -> &[String] {
        &self.devices
    }

    fn execute(&mut self, shares: &[Share], seconds: &mut [f64]) -> Result<(), LoadError> {
        let gpus = self.devices.len();
        if [shares.len(), seconds.len()] != [gpus; 2] {
            let found = format!("{} shares and {} times", shares.len(), seconds.len());
            return Err(LoadError::Failed(format!("{found}; {} works on {gpus} GPUs", self.subject)));
        }
        self.flatten(shares)?;
        let given = Shares {
            struct_size: size_of::<Shares>() as u32,
            devices: gpus as u32,
            first: self.first.as_ptr(),
            expert: self.expert.as_ptr(),
            assignments: self.assignments.as_ptr(),
        };
        seconds.fill(0.0);
        let mut reports = Reports::default();
        let error = reports.sink();
        #[expect(unsafe_code, reason = "calls into a library")]
        // SAFETY: all pointers are valid during the call, the arrays are as long as the interface says; the instance is borrowed for writing.
        let status = unsafe {
            let execute = self.functions.execute;
            execute(self.instance.pointer(), &raw const given, seconds.as_mut_ptr(), &raw const error)
        };
        if status != OK {
            return Err(LoadError::Failed(failure(&self.subject, "executing a layer", status, &reports)));
        }
        self.check_seconds(shares, seconds)
    }
}

/// What the interface promises of a shape.
fn check_shape(shape: &LoadShape) -> Result<(), LoadError> {
    let LoadShape { devices, experts, top_k, d_model, d_ff, matrices } = shape;
    let whole = !devices.is_empty() && *experts > 0 && *d_model > 0 && *d_ff > 0;
    if whole && (1..=*experts).contains(top_k) && [2, 3].contains(matrices) {
        return Ok(());
    }
    let found = format!(
        "{} GPUs, {experts} experts, {top_k} of them a token, {d_model} x {d_ff}, {matrices} matrices",
        devices.len()
    );
    Err(LoadError::Unfit(format!(
        "a load of {found}; expected at least one of each, no more than all experts a token, and 2 or 3 matrices"
    )))
}

/// The options with all defaults, if the plugin accepts them.
fn configured(functions: &LoadV1, subject: &str, title: &str, options: &str) -> Result<String, LoadError> {
    let Some(configure) = functions.configure else { return Ok(options.to_owned()) };
    let (mut resolved, mut reports) = (Collected::default(), Reports::default());
    let (sink, error) = (resolved.sink(), reports.sink());
    #[expect(unsafe_code, reason = "calls into a library")]
    let status = guarded(title, "checking options", || {
        // SAFETY: all pointers are valid during the call.
        unsafe { configure(Str::new(options), &raw const sink, &raw const error) }
    });
    match status {
        OK if resolved.0.is_empty() => Ok(options.to_owned()),
        OK => Ok(resolved.text().into_owned()),
        _ => Err(LoadError::Unfit(failure(subject, "checking its options", status, &reports))),
    }
}
