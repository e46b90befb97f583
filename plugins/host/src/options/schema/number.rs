//! Ranges of numbers: by bounds, and by the names that schemas of Rust types give to them.

use isotherm_core::config::Value;
use serde_json::Value as Json;

/// What bounds a number.
struct Range {
    least: Option<f64>,
    most: Option<f64>,
    above: Option<f64>,
    below: Option<f64>,
    step: Option<f64>,
}

impl Range {
    fn of(schema: &Json) -> Self {
        let number = |key: &str| schema.get(key).and_then(Json::as_f64);
        let (least, most) = match schema.get("format").and_then(Json::as_str) {
            Some("uint8") => (Some(0.0), Some(f64::from(u8::MAX))),
            Some("uint16") => (Some(0.0), Some(f64::from(u16::MAX))),
            Some("uint32") => (Some(0.0), Some(f64::from(u32::MAX))),
            Some("uint64" | "uint") => (Some(0.0), None),
            Some("int8") => (Some(f64::from(i8::MIN)), Some(f64::from(i8::MAX))),
            Some("int16") => (Some(f64::from(i16::MIN)), Some(f64::from(i16::MAX))),
            Some("int32") => (Some(f64::from(i32::MIN)), Some(f64::from(i32::MAX))),
            _ => (None, None),
        };
        Self {
            least: number("minimum").or(least),
            most: number("maximum").or(most),
            above: number("exclusiveMinimum"),
            below: number("exclusiveMaximum"),
            step: number("multipleOf").filter(|step| *step > 0.0),
        }
    }

    fn holds(&self, x: f64) -> bool {
        self.least.is_none_or(|least| x >= least)
            && self.most.is_none_or(|most| x <= most)
            && self.above.is_none_or(|above| x > above)
            && self.below.is_none_or(|below| x < below)
            && self.step.is_none_or(|step| is_multiple(x, step))
    }
}

/// Whether x is a multiple of a step, but for the rounding of decimal fractions.
fn is_multiple(x: f64, step: f64) -> bool {
    let ratio = x / step;
    (ratio - ratio.round()).abs() <= 1e-9 * ratio.abs().max(1.0)
}

/// What would be right, if the number is not within its range.
pub(super) fn fault(schema: &Json, value: &Value) -> Option<String> {
    let (x, whole) = match value {
        Value::Integer(value) => (*value as f64, super::types(schema).contains(&"integer")),
        Value::Float(value) => (*value, false),
        _ => return None,
    };
    (!Range::of(schema).holds(x)).then(|| expected(schema, whole))
}

/// "a whole number from 0 to 255", "a number above 0".
pub(super) fn expected(schema: &Json, whole: bool) -> String {
    let range = Range::of(schema);
    let mut parts = Vec::new();
    let noun = if whole { "a whole number" } else { "a number" };
    match (range.least, range.most) {
        (Some(least), Some(most)) => parts.push(format!("from {least} to {most}")),
        (Some(least), None) if whole => return with_step(format!("{noun}, {least} or more"), range.step),
        (Some(least), None) => parts.push(format!("of at least {least}")),
        (None, Some(most)) => parts.push(format!("of at most {most}")),
        (None, None) => {}
    }
    parts.extend(range.above.map(|above| format!("above {above}")));
    parts.extend(range.below.map(|below| format!("below {below}")));
    let text = if parts.is_empty() { noun.to_owned() } else { format!("{noun} {}", parts.join(" and ")) };
    with_step(text, range.step)
}

fn with_step(text: String, step: Option<f64>) -> String {
    step.map_or(text.clone(), |step| format!("{text}, a multiple of {step}"))
}
