//! What an answer of the driver means: a value, a reason why there is none, or that the device is gone.

use isotherm_recording::Missing;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper_sys::bindings as nvml;

use crate::border::{Code, Field};

/// Why a call gave no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This value only.
    Missing(Missing),
    /// The device or the driver does not answer any more: nothing else needs to be asked.
    Gone,
}

// Codes that nvml-wrapper has no name for.
const ARGUMENT_VERSION_MISMATCH: Code = nvml::nvmlReturn_enum_NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
const DEPRECATED: Code = nvml::nvmlReturn_enum_NVML_ERROR_DEPRECATED;
const GPU_NOT_FOUND: Code = nvml::nvmlReturn_enum_NVML_ERROR_GPU_NOT_FOUND;

impl Fault {
    /// The meaning of a return code of a whole call.
    pub(crate) fn of_code(code: Code) -> Self {
        match code {
            nvml::nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED
            | nvml::nvmlReturn_enum_NVML_ERROR_FUNCTION_NOT_FOUND
            | ARGUMENT_VERSION_MISMATCH
            | DEPRECATED => Self::Missing(Missing::Unsupported),
            nvml::nvmlReturn_enum_NVML_ERROR_NO_PERMISSION => Self::Missing(Missing::NoPermission),
            nvml::nvmlReturn_enum_NVML_ERROR_NO_DATA => Self::Missing(Missing::Invalid),
            nvml::nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST
            | nvml::nvmlReturn_enum_NVML_ERROR_UNINITIALIZED
            | nvml::nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED
            | nvml::nvmlReturn_enum_NVML_ERROR_NOT_FOUND
            | nvml::nvmlReturn_enum_NVML_ERROR_RESET_REQUIRED
            | nvml::nvmlReturn_enum_NVML_ERROR_LIB_RM_VERSION_MISMATCH
            | GPU_NOT_FOUND => Self::Gone,
            other => Self::Missing(Missing::Failed(i32::try_from(other).unwrap_or(i32::MAX))),
        }
    }

    /// The meaning of the return code of one field: a field or a part of the device that the driver does not know is not supported.
    fn of_field(code: Code) -> Self {
        match code {
            nvml::nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT | nvml::nvmlReturn_enum_NVML_ERROR_NOT_FOUND => {
                Self::Missing(Missing::Unsupported)
            }
            other => Self::of_code(other),
        }
    }

    /// The meaning of an error of the wrapper.
    pub(crate) fn of_error(error: NvmlError) -> Self {
        match error {
            NvmlError::FailedToLoadSymbol(_) => Self::Missing(Missing::Unsupported),
            NvmlError::Utf8Error(_) | NvmlError::IncorrectBits(_) => Self::Missing(Missing::Invalid),
            other => Self::of_code(other.into()),
        }
    }
}

impl From<NvmlError> for Fault {
    fn from(error: NvmlError) -> Self {
        Self::of_error(error)
    }
}

/// The value of an answered field, which cannot be negative.
pub(crate) fn quantity(field: &Field) -> Result<i64, Fault> {
    answered(field)?;
    number(field.tag, field.bytes).filter(|value| *value >= 0).ok_or(Fault::Missing(Missing::Invalid))
}

/// The value of an answered field that is a difference of temperatures: signed, in whatever tag.
pub(crate) fn difference(field: &Field) -> Result<i32, Fault> {
    answered(field)?;
    let invalid = Fault::Missing(Missing::Invalid);
    match field.tag {
        // Drivers put -8 into an unsigned tag: 4294967288.
        nvml::nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_INT => Ok(first_four(field.bytes).cast_signed()),
        tag => number(tag, field.bytes).and_then(|value| i32::try_from(value).ok()).ok_or(invalid),
    }
}

fn answered(field: &Field) -> Result<(), Fault> {
    if field.code == 0 { Ok(()) } else { Err(Fault::of_field(field.code)) }
}

/// A number of any of NVML's types; none for a blank, for what is no number, and for a type that does not exist.
fn number(tag: u32, bytes: [u8; 8]) -> Option<i64> {
    let eight = u64::from_ne_bytes(bytes);
    match tag {
        nvml::nvmlValueType_enum_NVML_VALUE_TYPE_DOUBLE => whole(f64::from_ne_bytes(bytes)),
        nvml::nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_INT => unsigned_32(first_four(bytes)),
        // `unsigned long` is of eight bytes on every system that has this driver but Windows, where it is of four.
        nvml::nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_LONG if cfg!(windows) => unsigned_32(first_four(bytes)),
        nvml::nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_LONG
        | nvml::nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_LONG_LONG => unsigned_64(eight),
        nvml::nvmlValueType_enum_NVML_VALUE_TYPE_SIGNED_LONG_LONG => Some(eight.cast_signed()),
        nvml::nvmlValueType_enum_NVML_VALUE_TYPE_SIGNED_INT => Some(first_four(bytes).cast_signed().into()),
        nvml::nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_SHORT => {
            Some(u16::from_ne_bytes([bytes[0], bytes[1]]).into())
        }
        _ => None,
    }
}

fn first_four(bytes: [u8; 8]) -> u32 {
    u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// The nearest integer, where there is one that a double holds exactly.
fn whole(value: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (value.abs() <= EXACT).then(|| value.round() as i64)
}

/// A 32-bit quantity; all bits set is NVML's blank.
pub(crate) fn unsigned_32(value: u32) -> Option<i64> {
    (value != u32::MAX).then_some(value.into())
}

/// A 64-bit quantity; all bits set is NVML's blank, and nothing real is above the half.
pub(crate) fn unsigned_64(value: u64) -> Option<i64> {
    i64::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(tag: u32, bits: u64) -> Field {
        Field { tag, bytes: bits.to_ne_bytes(), ..Field::default() }
    }

    #[test]
    fn every_type_of_value_is_understood() {
        let cases = [
            (field(0, 71_234.4_f64.to_bits()), 71_234),
            (field(1, 71_234), 71_234),
            (field(2, 71_234), 71_234),
            (field(3, 1 << 40), 1 << 40),
            (field(4, 71_234), 71_234),
            (field(5, 71_234), 71_234),
            (field(6, 71), 71),
        ];
        for (field, expected) in cases {
            assert_eq!(quantity(&field), Ok(expected), "{field:?}");
        }
    }

    #[test]
    fn a_blank_a_negative_quantity_and_an_unknown_type_are_no_values() {
        let blank = [
            field(1, u32::MAX.into()),
            field(2, u64::MAX),
            field(3, u64::MAX),
            field(4, u64::MAX),
            field(5, u32::MAX.into()),
            field(0, f64::NAN.to_bits()),
            field(0, f64::INFINITY.to_bits()),
            field(0, 1e300_f64.to_bits()),
            field(7, 3),
            field(250, 3),
        ];
        for field in blank {
            assert_eq!(quantity(&field), Err(Fault::Missing(Missing::Invalid)), "{field:?}");
        }
    }

    #[test]
    fn a_difference_is_signed_in_an_unsigned_tag_too() {
        assert_eq!(difference(&field(1, 4_294_967_288)), Ok(-8));
        assert_eq!(difference(&field(1, 4_294_967_295)), Ok(-1));
        assert_eq!(difference(&field(5, 4_294_967_294)), Ok(-2));
        assert_eq!(difference(&field(4, u64::MAX - 7)), Ok(-8));
        assert_eq!(difference(&field(3, 1 << 40)), Err(Fault::Missing(Missing::Invalid)));
    }

    #[test]
    fn codes_are_told_apart() {
        let missing = |code| Fault::of_code(code);
        assert_eq!(missing(3), Fault::Missing(Missing::Unsupported));
        assert_eq!(missing(4), Fault::Missing(Missing::NoPermission));
        assert_eq!(missing(15), Fault::Gone);
        assert_eq!(missing(1), Fault::Gone);
        assert_eq!(missing(999), Fault::Missing(Missing::Failed(999)));
        assert_eq!(quantity(&Field { code: 2, ..Field::default() }), Err(Fault::Missing(Missing::Unsupported)));
        assert_eq!(quantity(&Field { code: 15, ..Field::default() }), Err(Fault::Gone));
    }
}
