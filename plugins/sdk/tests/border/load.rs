//! A load behind its table.

use std::ffi::c_void;
use std::ptr;

use isotherm_plugin::abi::{ABI, CONFIG, FAILED, LoadContext, LoadV1, PANIC, STATE, Shares, Str};

use crate::host::{Failure, HOST, call, sink, table};

fn load() -> &'static LoadV1 {
    table("test/pretended")
}

fn configure(config: &str) -> Result<String, Failure> {
    let mut resolved = Vec::new();
    call(|error| unsafe { load().configure.unwrap()(Str::new(config), &sink(&mut resolved), error) })?;
    Ok(String::from_utf8(resolved).unwrap())
}

struct Instance(*mut c_void);

impl Drop for Instance {
    fn drop(&mut self) {
        unsafe { (load().destroy)(self.0) }
    }
}

fn create(config: &str, devices: &[u32]) -> Result<Instance, Failure> {
    let context = LoadContext {
        struct_size: size_of::<LoadContext>() as u32,
        devices: devices.len() as u32,
        device: devices.as_ptr(),
        experts: 8,
        top_k: 2,
        d_model: 64,
        d_ff: 128,
        matrices: 3,
    };
    let mut pointer = ptr::null_mut();
    call(|error| unsafe { (load().create)(&HOST, Str::new(config), &context, &mut pointer, error) })?;
    Ok(Instance(pointer))
}

fn name(instance: &Instance, gpu: u32) -> Result<String, Failure> {
    let mut name = Vec::new();
    call(|error| unsafe { (load().device_name)(instance.0, gpu, &sink(&mut name), error) })?;
    Ok(String::from_utf8(name).unwrap())
}

fn execute(instance: &Instance, first: &[u32], expert: &[u32], assignments: &[u32]) -> Result<[f64; 2], Failure> {
    let shares = Shares {
        struct_size: size_of::<Shares>() as u32,
        devices: first.len() as u32 - 1,
        first: first.as_ptr(),
        expert: expert.as_ptr(),
        assignments: assignments.as_ptr(),
    };
    let mut seconds = [0.0; 2];
    call(|error| unsafe { (load().execute)(instance.0, &shares, seconds.as_mut_ptr(), error) })?;
    Ok(seconds)
}

#[test]
fn options_are_resolved_and_refused() {
    assert_eq!(configure("{}").unwrap(), r#"{"seconds":1.0}"#);
    for (config, pointer) in [(r#"{"seconds": "long"}"#, "/seconds"), (r#"{"second": 1}"#, "/second"), ("1", "")] {
        let failure = configure(config).unwrap_err();
        assert_eq!((failure.status, failure.only().0), (CONFIG, pointer), "{config}");
    }
}

#[test]
fn shares_go_through_the_hosts_arrays() {
    let instance = create(r#"{"seconds": 0.5}"#, &[3, 1]).unwrap();
    assert_eq!((name(&instance, 0).unwrap(), name(&instance, 1).unwrap()), ("device 3".into(), "device 1".into()));
    assert_eq!(execute(&instance, &[0, 2, 3], &[1, 4, 4], &[10, 2, 7]).unwrap(), [6.0, 3.5]);
    assert_eq!(execute(&instance, &[0, 0, 1], &[0], &[2]).unwrap(), [0.0, 1.0], "the first has nothing to do");
    assert_eq!(execute(&instance, &[0, 0, 0], &[], &[]).unwrap(), [0.0; 2]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let failure = create("{}", &[0, 9]).err().unwrap();
    let (pointer, said) = failure.only();
    assert_eq!((failure.status, pointer), (CONFIG, ""));
    assert!(said.contains("no device 9") && said.contains("d_ff: 128, matrices: 3"), "{said}");
    let instance = create("{}", &[0, 1]).unwrap();
    let refused = |first: &[u32]| {
        let failure = execute(&instance, first, &[0], &[1]).unwrap_err();
        assert_eq!(failure.status, ABI);
        failure.only().1.to_owned()
    };
    assert_eq!(refused(&[0, 1]), "shares of 1 GPUs; the instance was made for 2");
    assert!(refused(&[0, 2, 1]).contains("expected offsets that begin at 0 and never go back"));
    assert!(refused(&[1, 1, 1]).contains("[1, 1, 1]"));
    assert_eq!(name(&instance, 2).unwrap_err().status, ABI);
}

#[test]
fn a_failure_is_told_and_a_panic_is_the_end() {
    let failing = create(r#"{"seconds": -1.0}"#, &[0, 1]).unwrap();
    for _ in 0..2 {
        let failure = execute(&failing, &[0, 1, 1], &[5], &[1]).unwrap_err();
        assert_eq!((failure.status, failure.only().1), (FAILED, "told to fail on [[(ExpertId(5), 1)], []]"));
    }
    let panicking = create("{}", &[0, 1]).unwrap();
    let failure = execute(&panicking, &[0, 1, 1], &[5], &[1000]).unwrap_err();
    assert_eq!(failure.status, PANIC);
    assert!(failure.only().1.ends_with("1000 assignments"), "{failure:?}");
    assert_eq!(execute(&panicking, &[0, 1, 1], &[5], &[1]).unwrap_err().status, STATE);
}
