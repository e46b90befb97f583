//! A host: what it hands over, and how it takes what comes back.

use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;

use isotherm_plugin::abi::{
    ABI_MAJOR, ABI_MINOR, ErrorSink, Factory, Host, OK, Plugin, RouterContext, RouterTraits, RouterV1, Sink, Status,
    Str,
};

unsafe extern "C" {
    fn isotherm_plugin_v1(host: *const Host) -> *const Plugin;
}

/// What plugins have said.
pub(crate) static SAID: Mutex<Vec<(i32, String)>> = Mutex::new(Vec::new());

pub(crate) static HOST: Host = Host {
    struct_size: size_of::<Host>() as u32,
    abi_major: ABI_MAJOR,
    abi_minor: ABI_MINOR,
    ctx: ptr::null_mut(),
    log: take_log,
    get_extension: no_extension,
};

unsafe extern "C" fn take_log(_: *mut c_void, level: i32, message: Str) {
    SAID.lock().unwrap().push((level, unsafe { read(message) }));
}

unsafe extern "C" fn no_extension(_: *mut c_void, _: Str) -> *const c_void {
    ptr::null()
}

/// The text of the other side.
///
/// # Safety
/// It is valid.
pub(crate) unsafe fn read(text: Str) -> String {
    if text.len == 0 {
        return String::new();
    }
    let bytes = unsafe { std::slice::from_raw_parts(text.ptr.cast::<u8>(), text.len) };
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The answer of the library.
pub(crate) fn enter(host: *const Host) -> *const Plugin {
    unsafe { isotherm_plugin_v1(host) }
}

/// What the library offers.
pub(crate) fn factories() -> Vec<&'static Factory> {
    let plugin = unsafe { &*enter(&HOST) };
    let factories = unsafe { std::slice::from_raw_parts(plugin.factories, plugin.factory_count as usize) };
    factories.iter().map(|factory| unsafe { &**factory }).collect()
}

/// The table of what a scenario calls `name`.
pub(crate) fn table<T>(name: &str) -> &'static T {
    let factory = factories().into_iter().find(|factory| unsafe { read(factory.name) } == name).unwrap();
    unsafe { &*factory.vtable.cast::<T>() }
}

/// A status, and what was reported: JSON pointers and messages.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) reports: Vec<(String, String)>,
}

impl Failure {
    /// The one report there is.
    #[track_caller]
    pub(crate) fn only(&self) -> (&str, &str) {
        assert_eq!(self.reports.len(), 1, "{self:?}");
        (&self.reports[0].0, &self.reports[0].1)
    }
}

/// Makes a call with an error sink.
pub(crate) fn call(work: impl FnOnce(*const ErrorSink) -> Status) -> Result<(), Failure> {
    unsafe extern "C" fn report(ctx: *mut c_void, pointer: Str, message: Str) {
        let reports = unsafe { &mut *ctx.cast::<Vec<(String, String)>>() };
        reports.push(unsafe { (read(pointer), read(message)) });
    }
    let mut reports: Vec<(String, String)> = Vec::new();
    let status = work(&ErrorSink { ctx: (&raw mut reports).cast(), report });
    if status == OK {
        assert_eq!(reports, [], "a call that succeeded");
        return Ok(());
    }
    Err(Failure { status, reports })
}

/// A sink into `bytes`.
pub(crate) fn sink(bytes: &mut Vec<u8>) -> Sink {
    unsafe extern "C" fn write(ctx: *mut c_void, data: *const u8, len: usize) {
        let bytes = unsafe { &mut *ctx.cast::<Vec<u8>>() };
        bytes.extend(unsafe { std::slice::from_raw_parts(data, len) });
    }
    Sink { ctx: ptr::from_mut(bytes).cast(), write }
}

/// Options with all defaults, and flags.
pub(crate) fn configure(name: &str, config: &str) -> Result<(String, u32), Failure> {
    let table: &RouterV1 = table(name);
    let mut traits = RouterTraits { struct_size: size_of::<RouterTraits>() as u32, flags: 0 };
    let mut resolved = Vec::new();
    call(|error| unsafe { table.configure.unwrap()(Str::new(config), &sink(&mut resolved), &mut traits, error) })?;
    Ok((String::from_utf8(resolved).unwrap(), traits.flags))
}

/// An instance of a router.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) table: &'static RouterV1,
    pub(crate) pointer: *mut c_void,
}

impl Instance {
    pub(crate) fn create(name: &str, config: &str, context: &RouterContext) -> Result<Self, Failure> {
        let table: &RouterV1 = table(name);
        let mut pointer = ptr::null_mut();
        call(|error| unsafe { (table.create)(&HOST, Str::new(config), context, &mut pointer, error) })?;
        assert!(!pointer.is_null());
        Ok(Self { table, pointer })
    }

    pub(crate) fn save(&self) -> Result<Vec<u8>, Failure> {
        let mut state = Vec::new();
        call(|error| unsafe { self.table.save.unwrap()(self.pointer, &sink(&mut state), error) })?;
        Ok(state)
    }

    pub(crate) fn restore(&self, state: &[u8]) -> Result<(), Failure> {
        call(|error| unsafe { self.table.restore.unwrap()(self.pointer, state.as_ptr(), state.len(), error) })
    }

    /// What the probe has been shown.
    pub(crate) fn seen(&self) -> Vec<String> {
        isotherm_plugin::state::load(&self.save().unwrap()).unwrap()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        unsafe { (self.table.destroy)(self.pointer) }
    }
}
