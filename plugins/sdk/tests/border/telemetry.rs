//! A telemetry source behind its table.

use std::ffi::c_void;
use std::ptr;

use isotherm_plugin::abi::{
    ABI, CONFIG, PANIC, Poll, STATE, Samples, Str, TelemetryContext, TelemetryTraits, TelemetryV1,
};

use crate::host::{Failure, HOST, call, sink, table};

fn source() -> &'static TelemetryV1 {
    table("test/drifting")
}

/// Options, traits and warning.
fn configure(config: &str) -> Result<(String, TelemetryTraits, String), Failure> {
    let (mut resolved, mut warning) = (Vec::new(), Vec::new());
    let size = size_of::<TelemetryTraits>() as u32;
    let mut traits = TelemetryTraits { struct_size: size, prescribes_temperature: 0, period_ns: 0 };
    call(|error| unsafe {
        let configure = source().configure;
        configure(Str::new(config), &sink(&mut resolved), &mut traits, &sink(&mut warning), error)
    })?;
    Ok((String::from_utf8(resolved).unwrap(), traits, String::from_utf8(warning).unwrap()))
}

struct Instance(*mut c_void);

impl Drop for Instance {
    fn drop(&mut self) {
        unsafe { (source().destroy)(self.0) }
    }
}

fn create(devices: u32) -> Result<Instance, Failure> {
    let context = TelemetryContext { struct_size: size_of::<TelemetryContext>() as u32, devices, seed: 1 };
    let mut pointer = ptr::null_mut();
    let config = Str::new(r#"{"kelvin": 0.5}"#);
    call(|error| unsafe { (source().create)(&HOST, config, &context, &mut pointer, error) })?;
    Ok(Instance(pointer))
}

/// Polls three GPUs whose last samples were taken at 1 ns.
fn poll(instance: &Instance, devices: u32) -> Result<([u64; 3], [f64; 3]), Failure> {
    let (true_degc, true_watts) = ([40.0, 50.0, 60.0], [100.0; 3]);
    let poll = Poll {
        struct_size: size_of::<Poll>() as u32,
        devices,
        now_ns: 1_000,
        true_temperature_degc: true_degc.as_ptr(),
        true_power_w: true_watts.as_ptr(),
    };
    let (mut taken, mut degc, mut watts) = ([1; 3], [f64::NAN, 1.0, 2.0], [7.0; 3]);
    let mut samples = Samples {
        struct_size: size_of::<Samples>() as u32,
        devices,
        taken_ns: taken.as_mut_ptr(),
        temperature_degc: degc.as_mut_ptr(),
        power_w: watts.as_mut_ptr(),
    };
    call(|error| unsafe { (source().sample)(instance.0, &poll, &mut samples, error) })?;
    assert!(watts[..2].iter().all(|watts| watts.is_nan()), "not measured");
    assert_eq!(watts[2], 7.0, "as it was");
    Ok((taken, degc))
}

#[test]
fn options_say_period_and_warning() {
    let (resolved, traits, warning) = configure(r#"{"kelvin": 2.0}"#).unwrap();
    assert_eq!(resolved, r#"{"period":"100 ms","kelvin":2.0}"#);
    assert_eq!((traits.period_ns, traits.prescribes_temperature, warning.as_str()), (100_000_000, 0, "it drifts"));
    let (_, traits, warning) = configure(r#"{"kelvin": -1.0, "period": "1 ns"}"#).unwrap();
    assert_eq!((traits.period_ns, traits.prescribes_temperature, warning.as_str()), (1, 1, ""));
    for (config, pointer) in
        [("{}", ""), (r#"{"kelvin": 1, "period": "soon"}"#, "/period"), (r#"{"kelvin": 1, "period": "0 s"}"#, "")]
    {
        let failure = configure(config).unwrap_err();
        assert_eq!((failure.status, failure.only().0), (CONFIG, pointer), "{config}");
    }
}

#[test]
fn samples_go_through_the_hosts_arrays() {
    let instance = create(3).unwrap();
    assert_eq!(poll(&instance, 3).unwrap(), ([1_000, 1_000, 1], [40.5, 50.5, 2.0]));
    assert_eq!(poll(&instance, 3).unwrap().1, [41.0, 51.0, 2.0]);
}

#[test]
fn a_state_is_restored_and_a_panic_forgiven() {
    let instance = create(3).unwrap();
    poll(&instance, 3).unwrap();
    let mut state = Vec::new();
    call(|error| unsafe { source().save.unwrap()(instance.0, &sink(&mut state), error) }).unwrap();
    poll(&instance, 3).unwrap();
    poll(&instance, 3).unwrap();
    let failure = poll(&instance, 3).unwrap_err();
    assert_eq!(failure.status, PANIC);
    assert!(failure.only().1.ends_with("poll 4 at 1 us"), "{failure:?}");
    assert_eq!(poll(&instance, 3).unwrap_err().status, STATE);
    let restore = |state: &[u8]| {
        call(|error| unsafe { source().restore.unwrap()(instance.0, state.as_ptr(), state.len(), error) })
    };
    assert_eq!(restore(&[]).unwrap_err().status, STATE);
    restore(&state).unwrap();
    assert_eq!(poll(&instance, 3).unwrap().1, [41.0, 51.0, 2.0]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let failure = create(9).err().unwrap();
    assert_eq!((failure.status, failure.only()), (CONFIG, ("/kelvin", "too many for 9 GPUs")));
    let failure = poll(&create(3).unwrap(), 2).unwrap_err();
    assert_eq!((failure.status, failure.only().1), (ABI, "a poll of 2 and 2 GPUs; the instance was made for 3"));
}
