//! One thing that a library offers, made of the author's type in a constant.

use std::ffi::c_void;

use isotherm_core::router::RouterSpec;
use isotherm_plugin_abi::{Factory, PLACEMENT, ROUTER, Str, TELEMETRY};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::author::{PlacementPolicy, Router, Telemetry};
use crate::border::{options, placement, router, telemetry};

/// A factory, and what the manifest says about it.
#[derive(Debug)]
pub struct Item {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) factory: Factory,
    /// JSON schema of the options, where there is one.
    pub(super) schema: Option<fn() -> Value>,
    /// The options that an empty table resolves to; none where some option must be given.
    pub(super) defaults: fn() -> Option<Value>,
    /// Options that work, as JSON, where neither schema nor defaults tell.
    pub(super) example: Option<&'static str>,
}

impl Item {
    /// A router with the author's trait.
    #[must_use]
    pub const fn router<R: Router>(name: &'static str) -> Self {
        let table: *const _ = router::Table::<router::Authored<R>>::V1;
        Self::new(ROUTER, "router", name, table.cast(), Some(schema::<R>), defaults::<R>)
    }

    /// A router of a spec with the core's trait.
    #[must_use]
    pub const fn router_spec<S: RouterSpec + Serialize + DeserializeOwned + 'static>(name: &'static str) -> Self {
        let table: *const _ = router::Table::<router::Spec<S>>::V1;
        Self::new(ROUTER, "router", name, table.cast(), None, defaults::<S>)
    }

    /// A telemetry source.
    #[must_use]
    pub const fn telemetry<T: Telemetry>(name: &'static str) -> Self {
        let table: *const _ = telemetry::Table::<T>::V1;
        Self::new(TELEMETRY, "telemetry", name, table.cast(), Some(schema::<T>), defaults::<T>)
    }

    /// A placement policy.
    #[must_use]
    pub const fn placement<P: PlacementPolicy>(name: &'static str) -> Self {
        let table: *const _ = placement::Table::<P>::V1;
        Self::new(PLACEMENT, "placement", name, table.cast(), Some(schema::<P>), defaults::<P>)
    }

    /// The same with options that work, as JSON.
    #[must_use]
    pub const fn with_example(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }

    const fn new(
        number: u32,
        kind: &'static str,
        name: &'static str,
        vtable: *const c_void,
        schema: Option<fn() -> Value>,
        defaults: fn() -> Option<Value>,
    ) -> Self {
        let factory = Factory { struct_size: size_of::<Factory>() as u32, kind: number, name: Str::new(name), vtable };
        Self { kind, name, factory, schema, defaults, example: None }
    }
}

fn schema<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

fn defaults<T: Serialize + DeserializeOwned>() -> Option<Value> {
    let options: T = options::read("{}").ok()?;
    serde_json::from_str(&options::write(&options).ok()?).ok()
}
