//! What a plugin's file begins with: `use isotherm_plugin::prelude::*;`.

pub use isotherm_core::gate::GateBatch;
pub use isotherm_core::id::{BatchId, ExpertId, GpuId};
pub use isotherm_core::input::InputError;
pub use isotherm_core::load::{Load, LoadError, LoadShape, Share};
pub use isotherm_core::placement::{Placement, PlacementContext, PlacementError, Rebalance};
pub use isotherm_core::rng::{Domain, Stream};
pub use isotherm_core::router::{ClusterView, Feasibility, Feedback, RouterContext, RouterError};
pub use isotherm_core::routing::{DROPPED, GateSummary, Routing, RoutingOptions, Rule, Selector};
pub use isotherm_core::telemetry::{Sample, TelemetryError, Truth};
pub use isotherm_core::time::{SimDuration, SimTime};
pub use isotherm_core::units::{Celsius, Watts};
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};

pub use crate::{
    Decision, Level, LoadSpec, PlacementPolicy, Router, Telemetry, export_load, export_placement, export_plugin,
    export_router, export_telemetry, log, state,
};
