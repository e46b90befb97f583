//! The same type linked in, as a crate does that depends on this one without its default features: `cargo test --no-default-features`.
#![cfg(not(feature = "plugin"))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use cool_first::CoolFirst;
use isotherm_plugin::router::{RouterContext, RouterSpec};
use isotherm_plugin::serde_json;

#[test]
fn a_scenario_finds_it_by_its_name() {
    let spec: Box<dyn RouterSpec> = serde_json::from_str(r#"{"kind": "acme/cool-first", "per_kelvin": 0.0}"#).unwrap();
    assert!(spec.is_reference());
    assert!(spec.build(&RouterContext::new(8, 2, &[1.0; 8], 0)).is_ok());
    let written = serde_json::to_string(&spec).unwrap();
    assert!(written.starts_with(r#"{"kind":"acme/cool-first","per_kelvin":0.0"#), "{written}");
    let negative: Box<dyn RouterSpec> = Box::new(CoolFirst { most: -1.0, ..CoolFirst::default() });
    assert!(negative.build(&RouterContext::new(8, 2, &[1.0; 8], 0)).is_err());
}
