//! The table of a router: one function for each entry, the same for whatever is behind it.
#![expect(unsafe_code, reason = "the functions of a C table take the caller's pointers")]

mod context;
mod instance;
mod kind;

use std::ffi::c_void;
use std::marker::PhantomData;

use isotherm_plugin_abi::{
    Batch, Decision, ErrorSink, Feedback, Host, RouterContext, RouterTraits, RouterV1, Sink, Status, Str,
};

use super::call::{Held, call};
use super::given::{array, place, record, record_mut, size_to, text, write};
use super::options;
use instance::Instance;
pub(crate) use kind::{Authored, RouterKind, Spec};

/// Sizes of the structs of interface 1.0.
const BATCH: usize = size_to!(Batch, devices_per_node);
const CONTEXT: usize = size_to!(RouterContext, idle_w);
const DECISION: usize = size_to!(Decision, operations_per_token);
const FEEDBACK: usize = size_to!(Feedback, seconds);
const TRAITS: usize = size_to!(RouterTraits, flags);

/// The table of a kind of router.
pub(crate) struct Table<K>(PhantomData<K>);

impl<K: RouterKind> Table<K> {
    pub(crate) const V1: &'static RouterV1 = &RouterV1 {
        struct_size: size_of::<RouterV1>() as u32,
        flags: K::FLAGS,
        configure: Some(configure::<K>),
        create: create::<K>,
        destroy: destroy::<K>,
        route: route::<K>,
        feedback: Some(feedback::<K>),
        save: Some(save::<K>),
        restore: Some(restore::<K>),
        get_extension: None,
    };
}

unsafe extern "C" fn configure<K: RouterKind>(
    config: Str,
    resolved: *const Sink,
    traits: *mut RouterTraits,
    error: *const ErrorSink,
) -> Status {
    super::panics::install_hook();
    call(error, || {
        // SAFETY: pointers are what the interface says.
        let (config, traits) = unsafe { (text(config, "config")?, record_mut(traits, TRAITS, "traits")?) };
        let options: K::Options = options::read(config)?;
        traits.flags = K::flags(&options);
        let text = options::write(&options)?;
        // SAFETY: as above.
        unsafe { write(resolved, text.as_bytes(), "resolved") }
    })
}

unsafe extern "C" fn create<K: RouterKind>(
    host: *const Host,
    config: Str,
    context: *const RouterContext,
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
        let options: K::Options = options::read(config)?;
        // SAFETY: as above.
        let made = unsafe { Instance::<K>::create(options, context)? };
        *instance = Held::lend(made);
        Ok(())
    })
}

unsafe extern "C" fn destroy<K: RouterKind>(instance: *mut c_void) {
    // SAFETY: the host hands back what `create` gave, once.
    unsafe { Held::<Instance<K>>::destroy(instance) }
}

unsafe extern "C" fn route<K: RouterKind>(
    instance: *mut c_void,
    batch: *const Batch,
    decision: *mut Decision,
    error: *const ErrorSink,
) -> Status {
    // SAFETY: pointers are what the interface says, and an instance gets one call at a time.
    unsafe {
        Held::<Instance<K>>::call(instance, error, |instance| {
            let batch = record(batch, BATCH, "batch")?;
            let decision = record_mut(decision, DECISION, "decision")?;
            instance.route(batch, decision)
        })
    }
}

unsafe extern "C" fn feedback<K: RouterKind>(
    instance: *mut c_void,
    feedback: *const Feedback,
    error: *const ErrorSink,
) -> Status {
    // SAFETY: as for `route`.
    unsafe {
        Held::<Instance<K>>::call(instance, error, |instance| {
            instance.feedback(record(feedback, FEEDBACK, "feedback")?)
        })
    }
}

unsafe extern "C" fn save<K: RouterKind>(instance: *mut c_void, state: *const Sink, error: *const ErrorSink) -> Status {
    // SAFETY: as for `route`.
    unsafe { Held::<Instance<K>>::call(instance, error, |instance| write(state, &instance.save(), "state")) }
}

unsafe extern "C" fn restore<K: RouterKind>(
    instance: *mut c_void,
    state: *const u8,
    len: usize,
    error: *const ErrorSink,
) -> Status {
    // SAFETY: as for `route`.
    unsafe { Held::<Instance<K>>::revive(instance, error, |instance| instance.restore(array(state, len, "state")?)) }
}
