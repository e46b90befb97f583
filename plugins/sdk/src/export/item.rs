//! One thing that a library offers, made of the author's type in a constant.

use std::ffi::c_void;

use isotherm_core::router::RouterSpec;
use isotherm_plugin_abi::{Factory, LOAD, PLACEMENT, ROUTER, Str, TELEMETRY};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::author::{LoadSpec, PlacementPolicy, Router, Telemetry};
use crate::border::{load, options, placement, router, telemetry};

/// A factory, and what the manifest says about it.
#[derive(Debug)]
pub struct Item {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) factory: Factory,
    /// JSON schema of the options, where there is one.
    pub(super) schema: Option<fn() -> Value>,
    /// Options as JSON, where the schema has none.
    pub(super) example: Option<&'static str>,
    /// Whether no option has to be given.
    pub(super) needs_nothing: fn() -> bool,
}

impl Item {
    /// A router with the author's trait.
    #[must_use]
    pub const fn router<R: Router>(name: &'static str) -> Self {
        let table: *const _ = router::Table::<router::Authored<R>>::V1;
        Self::new(ROUTER, "router", name, table.cast(), Some(schema::<R>), needs_nothing::<R>)
    }

    /// A router of a spec with the core's trait.
    #[must_use]
    pub const fn router_spec<S: RouterSpec + Serialize + DeserializeOwned + 'static>(name: &'static str) -> Self {
        let table: *const _ = router::Table::<router::Spec<S>>::V1;
        Self::new(ROUTER, "router", name, table.cast(), None, needs_nothing::<S>)
    }

    /// A telemetry source.
    #[must_use]
    pub const fn telemetry<T: Telemetry>(name: &'static str) -> Self {
        let table: *const _ = telemetry::Table::<T>::V1;
        Self::new(TELEMETRY, "telemetry", name, table.cast(), Some(schema::<T>), needs_nothing::<T>)
    }

    /// A placement policy.
    #[must_use]
    pub const fn placement<P: PlacementPolicy>(name: &'static str) -> Self {
        let table: *const _ = placement::Table::<P>::V1;
        Self::new(PLACEMENT, "placement", name, table.cast(), Some(schema::<P>), needs_nothing::<P>)
    }

    /// A load.
    #[must_use]
    pub const fn load<S: LoadSpec>(name: &'static str) -> Self {
        let table: *const _ = load::Table::<S>::V1;
        Self::new(LOAD, "load", name, table.cast(), Some(schema::<S>), needs_nothing::<S>)
    }

    /// With options as JSON that work.
    #[must_use]
    pub const fn with_example(self, json: &'static str) -> Self {
        Self { example: Some(json), ..self }
    }

    const fn new(
        number: u32,
        kind: &'static str,
        name: &'static str,
        vtable: *const c_void,
        schema: Option<fn() -> Value>,
        needs_nothing: fn() -> bool,
    ) -> Self {
        let factory = Factory { struct_size: size_of::<Factory>() as u32, kind: number, name: Str::new(name), vtable };
        Self { kind, name, factory, schema, example: None, needs_nothing }
    }
}

fn schema<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

fn needs_nothing<T: DeserializeOwned>() -> bool {
    options::read::<T>("{}").is_ok()
}
