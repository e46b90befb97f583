//! The border to C: the session with the library, and the three calls that `nvml-wrapper` lacks. All unsafe code of this crate is here.

#![expect(
    unsafe_code,
    reason = "nvml-wrapper sets no scope of a field, knows no margin, and drops unknown bits of the reasons"
)]

use std::ffi::OsStr;
use std::mem::size_of;

use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlFieldValue_t, nvmlMarginTemperature_t, nvmlReturn_enum_NVML_ERROR_FUNCTION_NOT_FOUND,
    nvmlReturn_t, nvmlValue_t,
};

/// What a call came to: NVML's return code, 0 for success.
pub(crate) type Code = nvmlReturn_t;

/// What the library says where it lacks a function: the same as where the device lacks it.
const NO_SUCH_FUNCTION: Code = nvmlReturn_enum_NVML_ERROR_FUNCTION_NOT_FOUND;

/// A device as the library knows it: points into the library's own tables.
#[derive(Clone, Copy)]
struct Handle(nvmlDevice_t);

// SAFETY: NVML is safe to call from any thread, and a handle is only an address for it; nothing here reads what it points to.
unsafe impl Send for Handle {}

/// An initialised library, and the devices attached so far, by their place in the caller's list.
pub(crate) struct Session {
    // Handles are worth nothing without the library that gave them, so both live and die together.
    handles: Vec<Option<Handle>>,
    nvml: Nvml,
}

impl Session {
    /// Loads and initialises the library.
    pub(crate) fn open(library: &OsStr) -> Result<Self, NvmlError> {
        let nvml = Nvml::builder().lib_path(library).init()?;
        Ok(Self { handles: Vec::new(), nvml })
    }

    /// The library.
    pub(crate) const fn nvml(&self) -> &Nvml {
        &self.nvml
    }

    /// Attaches a device at `place`: the one of this UUID, or of this index where it has none.
    pub(crate) fn attach(&mut self, place: usize, index: u32, uuid: Option<&str>) -> Result<(), NvmlError> {
        let device = match uuid {
            Some(uuid) => self.nvml.device_by_uuid(uuid)?,
            None => self.nvml.device_by_index(index)?,
        };
        // SAFETY: the handle is kept beside the library that it came from, and used with no other.
        let handle = Handle(unsafe { device.handle() });
        if self.handles.len() <= place {
            self.handles.resize(place + 1, None);
        }
        self.handles[place] = Some(handle);
        Ok(())
    }

    /// The device at `place`, where one is attached.
    pub(crate) fn device(&self, place: usize) -> Option<Device<'_>> {
        let handle = self.handles.get(place).copied().flatten()?;
        // SAFETY: the handle came from this library, which is still loaded and initialised.
        Some(unsafe { Device::new(handle.0, &self.nvml) })
    }
}

/// One field to ask for, and afterwards its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// Number of the field.
    pub(crate) id: u32,
    /// Part of the device: 0 the GPU, 1 the module, 2 the memory.
    pub(crate) scope: u32,
    /// What came of this field alone.
    pub(crate) code: Code,
    /// Type of the value, as the driver says.
    pub(crate) tag: u32,
    /// The value's eight bytes; a shorter type is at their beginning.
    pub(crate) bytes: [u8; 8],
}

/// Most fields of one call.
pub(crate) const MOST_FIELDS: usize = 8;

/// Asks for all `fields` in one call and writes the answers at the same positions: ids may come back renumbered.
///
/// # Panics
/// Never: fields beyond [`MOST_FIELDS`] are not asked for.
pub(crate) fn field_values(device: &Device<'_>, fields: &mut [Field]) -> Code {
    let Ok(call) = device.nvml().lib().nvmlDeviceGetFieldValues.as_ref() else { return NO_SUCH_FUNCTION };
    let none = nvmlFieldValue_t {
        fieldId: 0,
        scopeId: 0,
        timestamp: 0,
        latencyUsec: 0,
        valueType: 0,
        nvmlReturn: 0,
        value: nvmlValue_t { ullVal: 0 },
    };
    let mut asked = [none; MOST_FIELDS];
    let mut count = 0;
    for (asked, field) in asked.iter_mut().zip(fields.iter()) {
        (asked.fieldId, asked.scopeId) = (field.id, field.scope);
        count += 1;
    }
    // SAFETY: the device is attached (`Device`), and the array has at least `count` entries.
    let code = unsafe { call(device.handle(), count, asked.as_mut_ptr()) };
    for (field, answer) in fields.iter_mut().zip(&asked) {
        (field.code, field.tag) = (answer.nvmlReturn, answer.valueType);
        // SAFETY: all eight bytes were set to zero above, and any bytes are a `u64`.
        field.bytes = unsafe { answer.value.ullVal }.to_ne_bytes();
    }
    code
}

/// Degrees left up to the highest operating temperature (K).
pub(crate) fn margin(device: &Device<'_>) -> Result<i32, Code> {
    let call = device.nvml().lib().nvmlDeviceGetMarginTemperature.as_ref().map_err(|_| NO_SUCH_FUNCTION)?;
    // NVML's versioned structures say their size and version in their first word.
    let version = size_of::<nvmlMarginTemperature_t>() as u32 | 1 << 24;
    let mut margin = nvmlMarginTemperature_t { version, marginTemperature: 0 };
    // SAFETY: the device is attached, and the structure is of the size and version that it says.
    match unsafe { call(device.handle(), &raw mut margin) } {
        0 => Ok(margin.marginTemperature),
        code => Err(code),
    }
}

/// Why the clock is not higher, all 64 bits.
pub(crate) fn reasons(device: &Device<'_>) -> Result<u64, Code> {
    let library = device.nvml().lib();
    // The old name for drivers before 535.
    let call = library
        .nvmlDeviceGetCurrentClocksEventReasons
        .as_ref()
        .or(library.nvmlDeviceGetCurrentClocksThrottleReasons.as_ref())
        .map_err(|_| NO_SUCH_FUNCTION)?;
    let mut mask = 0;
    // SAFETY: the device is attached, and `mask` is one `unsigned long long`.
    match unsafe { call(device.handle(), &raw mut mask) } {
        0 => Ok(mask),
        code => Err(code),
    }
}
