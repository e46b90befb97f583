//! Options as JSON text: read with the place of what is wrong, written back with all defaults filled in.

use isotherm_plugin_abi::CONFIG;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::fault::{Fault, step};

/// Reads options from a JSON object.
pub(crate) fn read<T: DeserializeOwned>(config: &str) -> Result<T, Fault> {
    let text = config.trim();
    if !text.starts_with('{') {
        let found: String = text.chars().take(20).collect();
        return Err(Fault::new(CONFIG, format!("options are a JSON object, found `{found}`; for example `{{}}`")));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let options = match serde_path_to_error::deserialize(&mut json) {
        Ok(options) => options,
        Err(error) => return read_nothing(text).ok_or_else(|| fault(error.path(), error.inner())),
    };
    json.end().map_err(|error| Fault::new(CONFIG, error.to_string()))?;
    Ok(options)
}

/// A type without options may be a unit struct, which JSON has another word for.
fn read_nothing<T: DeserializeOwned>(text: &str) -> Option<T> {
    let nothing = text.strip_prefix('{')?.strip_suffix('}')?.trim().is_empty();
    nothing.then(|| serde_json::from_str("null").ok()).flatten()
}

/// Writes options as a JSON object.
pub(crate) fn write<T: Serialize>(options: &T) -> Result<String, Fault> {
    let text = serde_json::to_string(options)
        .map_err(|error| Fault::new(CONFIG, format!("the options cannot be written as JSON: {error}")))?;
    Ok(if text == "null" { "{}".to_owned() } else { text })
}

fn fault(path: &Path, error: &serde_json::Error) -> Fault {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer += &step(&index.to_string()),
            Segment::Map { key } => pointer += &step(key),
            Segment::Enum { variant } => pointer += &step(variant),
            Segment::Unknown => break,
        }
    }
    // The line and column of a JSON text that no user has written would mislead.
    let text = error.to_string();
    let message = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
    Fault { status: CONFIG, pointer, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Options {
        lambda: f64,
        #[serde(default)]
        caps: Vec<Cap>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    enum Cap {
        Die { degc: f64 },
    }

    fn faulty(config: &str) -> (String, String) {
        let fault = read::<Options>(config).unwrap_err();
        assert_eq!(fault.status, CONFIG);
        (fault.pointer, fault.message)
    }

    #[test]
    fn the_place_of_a_fault_is_a_json_pointer() {
        assert_eq!(faulty(r#"{"lambda": true}"#).0, "/lambda");
        assert_eq!(faulty(r#"{"lambda": 1, "lamda": 2}"#).0, "/lamda");
        let (pointer, message) = faulty(r#"{"lambda": 1, "caps": [{"die": {"degc": 80}}, {"die": {"degc": "hot"}}]}"#);
        assert_eq!(pointer, "/caps/1/die/degc");
        assert_eq!(message, "invalid type: string \"hot\", expected f64");
        let (pointer, message) = faulty("{}");
        assert_eq!((pointer.as_str(), message.as_str()), ("", "missing field `lambda`"));
    }

    #[test]
    fn garbage_is_refused_with_a_message() {
        let deep = format!("{{\"caps\": {}", "[".repeat(100_000));
        let texts = ["", "null", "[1, 2]", "{", "{\"lambda\": 1} x", "{\"lambda\": 1e999}", "\"\u{0}\"", deep.as_str()];
        for text in texts {
            assert!(!faulty(text).1.is_empty(), "{text:.20}");
        }
    }

    #[test]
    fn defaults_are_filled_in_and_numbers_keep_every_bit() {
        let options: Options = read(r#"{"lambda": 0.30000000000000004}"#).unwrap();
        assert_eq!(options, Options { lambda: 0.1 + 0.2, caps: Vec::new() });
        assert_eq!(write(&options).unwrap(), r#"{"lambda":0.30000000000000004,"caps":[]}"#);
    }

    #[test]
    fn a_unit_struct_has_no_options() {
        #[derive(Debug, Serialize, Deserialize)]
        struct Plain;
        let plain: Plain = read("{ }").unwrap();
        assert_eq!(write(&plain).unwrap(), "{}");
        assert_eq!(read::<Plain>(r#"{"lambda": 1}"#).unwrap_err().status, CONFIG);
    }
}
