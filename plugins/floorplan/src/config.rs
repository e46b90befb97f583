//! HotSpot's `-key value` configuration.

use std::collections::BTreeMap;

use crate::package::{HOTSPOT_CAPACITY_FACTOR, Layer, Package};
use crate::text::{ParseError, end_of, lines};

/// What a `hotspot.config` says that matters for a network in block mode. Temperatures in kelvin, as HotSpot has them.
#[derive(Clone, Debug, PartialEq)]
pub struct HotSpotConfig {
    /// The package; its capacity factor is HotSpot's.
    pub package: Package,
    /// Temperature of the air (K).
    pub ambient: f64,
    /// Temperature of everything at the start (K).
    pub init_temp: f64,
    /// Interval of a row of the power trace (s).
    pub sampling_intvl: f64,
}

const EXPECTED: &str = "a key that begins with a dash, and its value";
const EXAMPLE: &str = "-t_chip 0.00015";

impl HotSpotConfig {
    /// Reads a `hotspot.config` text. Keys this model has no use for are passed over; one that it needs must be there.
    ///
    /// ```
    /// use isotherm_floorplan::HotSpotConfig;
    /// let error = HotSpotConfig::parse("-t_chip 0.00015\n-k_chip much\n").unwrap_err();
    /// assert!(error.to_string().starts_with("line 2, column 9: `much` is not a number"), "{error}");
    /// ```
    ///
    /// # Errors
    /// [`ParseError`] for a line that is no `-key value`, a key twice, a needed key that is missing, a value that is not positive,
    /// and for `model_secondary` and `package_model_used`, which would be another network.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut values = BTreeMap::new();
        for words in lines(text) {
            match words.as_slice() {
                [key, value] if key.text.len() > 1 && key.text.starts_with('-') => {
                    if let Some((first, _)) = values.insert(&key.text[1..], (*key, *value)) {
                        let what = format!("`{}` again, first on line {}", key.text, first.line);
                        return Err(key.error(what, "each key once", EXAMPLE));
                    }
                }
                _ => return Err(words[0].error(format!("{} words", words.len()), EXPECTED, EXAMPLE)),
            }
        }
        for key in ["model_secondary", "package_model_used"] {
            if let Some((_, value)) = values.get(key)
                && value.text != "0"
            {
                return Err(value.error(
                    format!("`-{key} {}` asks for a path this network does not have", value.text),
                    "0",
                    &format!("-{key} 0"),
                ));
            }
        }
        let number = |key: &str| -> Result<f64, ParseError> {
            let example = format!("-{key} 0.001");
            let Some((_, value)) = values.get(key) else {
                return Err(end_of(text).error(format!("no `-{key}`"), "every parameter of the package", &example));
            };
            match value.number("a positive number", &example)? {
                found if found > 0.0 => Ok(found),
                found => Err(value.error(format!("`-{key}` is {found}"), "a positive number", &example)),
            }
        };
        let layer = |name: &str| -> Result<Layer, ParseError> {
            Ok(Layer {
                thickness: number(&format!("t_{name}"))?,
                conductivity: number(&format!("k_{name}"))?,
                heat: number(&format!("p_{name}"))?,
            })
        };
        let package = Package {
            chip: layer("chip")?,
            interface: layer("interface")?,
            spreader: layer("spreader")?,
            sink: layer("sink")?,
            spreader_side: number("s_spreader")?,
            sink_side: number("s_sink")?,
            convection_resistance: number("r_convec")?,
            convection_capacity: number("c_convec")?,
            capacity_factor: HOTSPOT_CAPACITY_FACTOR,
            lateral_in_chip: values.get("block_omit_lateral").is_none_or(|(_, value)| value.text == "0"),
        };
        Ok(Self {
            package,
            ambient: number("ambient")?,
            init_temp: number("init_temp")?,
            sampling_intvl: number("sampling_intvl")?,
        })
    }
}
