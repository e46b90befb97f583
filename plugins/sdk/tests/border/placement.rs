//! A placement policy behind its table.

use std::ffi::c_void;
use std::ptr;

use isotherm_plugin::abi::{ABI, CONFIG, CopySink, PANIC, PlacementContext, PlacementTraits, PlacementV1, STATE, Str};

use crate::host::{Failure, HOST, call, sink, table};

fn policy() -> &'static PlacementV1 {
    table("test/all-on")
}

/// Three experts on two GPUs, at the start.
fn start() -> PlacementContext {
    PlacementContext {
        struct_size: size_of::<PlacementContext>() as u32,
        experts: 3,
        devices: 2,
        devices_per_node: 2,
        loads: ptr::null(),
        speeds: ptr::null(),
        joules: ptr::null(),
        sample_taken_ns: ptr::null(),
        sample_temperature_degc: ptr::null(),
        sample_power_w: ptr::null(),
        copy_first: ptr::null(),
        copy_device: ptr::null(),
        lost: ptr::null(),
        lost_count: 0,
    }
}

struct Instance(*mut c_void);

impl Drop for Instance {
    fn drop(&mut self) {
        unsafe { (policy().destroy)(self.0) }
    }
}

fn create(config: &str) -> Instance {
    let mut pointer = ptr::null_mut();
    call(|error| unsafe { (policy().create)(&HOST, Str::new(config), &mut pointer, error) }).unwrap();
    Instance(pointer)
}

fn place(instance: &Instance, context: &PlacementContext) -> Result<Vec<(u32, u32)>, Failure> {
    unsafe extern "C" fn copy(ctx: *mut c_void, expert: u32, device: u32) {
        unsafe { &mut *ctx.cast::<Vec<(u32, u32)>>() }.push((expert, device));
    }
    let mut copies: Vec<(u32, u32)> = Vec::new();
    let sink = CopySink { ctx: (&raw mut copies).cast(), copy };
    call(|error| unsafe { (policy().place)(instance.0, context, &sink, error) })?;
    Ok(copies)
}

#[test]
fn options_say_when_to_place_again() {
    let mut resolved = Vec::new();
    let mut traits = PlacementTraits { struct_size: size_of::<PlacementTraits>() as u32, rebalance_every_batches: 0 };
    let configure = policy().configure.unwrap();
    call(|error| unsafe { configure(Str::new(r#"{"home": 5}"#), &sink(&mut resolved), &mut traits, error) }).unwrap();
    assert_eq!((resolved.as_slice(), traits.rebalance_every_batches), (&br#"{"home":5}"#[..], 5));
}

#[test]
fn copies_go_through_the_hosts_sink() {
    let instance = create(r#"{"home": 1}"#);
    assert_eq!(place(&instance, &start()).unwrap(), [(0, 1), (1, 1), (2, 1)]);
    let (first, devices, loads, degc) = ([0, 1, 3, 4], [0, 0, 1, 0], [1.0; 3], [40.0, 50.0]);
    let measured = PlacementContext {
        loads: loads.as_ptr(),
        speeds: degc.as_ptr(),
        joules: degc.as_ptr(),
        sample_taken_ns: [1, 2].as_ptr(),
        sample_temperature_degc: degc.as_ptr(),
        sample_power_w: degc.as_ptr(),
        copy_first: first.as_ptr(),
        copy_device: devices.as_ptr(),
        ..start()
    };
    assert_eq!(place(&instance, &measured).unwrap(), [(0, 1), (1, 0), (1, 1), (2, 1)], "two copies stay");
}

#[test]
fn faults_and_panics_are_told() {
    let failure = place(&create(r#"{"home": 2}"#), &start()).unwrap_err();
    assert_eq!((failure.status, failure.only()), (CONFIG, ("/home", "there are 2")));
    let instance = create(r#"{"home": 1}"#);
    let lost = [1];
    let failure = place(&instance, &PlacementContext { lost: lost.as_ptr(), lost_count: 1, ..start() }).unwrap_err();
    assert_eq!(failure.status, PANIC);
    assert!(failure.only().1.contains("GPU 1 of PlacementContext { experts: 3, gpus: 2"), "{failure:?}");
    assert_eq!(place(&instance, &start()).unwrap_err().status, STATE);
    let small = PlacementContext { struct_size: 16, ..start() };
    assert_eq!(place(&create(r#"{"home": 1}"#), &small).unwrap_err().status, ABI);
}
