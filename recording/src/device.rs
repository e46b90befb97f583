//! What does not change while a device is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::reading::Missing;
use crate::signal::Signal;

/// One GPU: who it is, its limits, and what its signals are worth. Written into the header of every recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceFacts {
    /// Index, as its driver counts.
    pub index: u32,
    /// Name of the product.
    pub name: String,
    /// Identity that survives a restart, where the source has one.
    pub uuid: Option<String>,
    /// Version of the driver.
    pub driver: Option<String>,
    /// Power limit in force (W).
    pub power_limit_w: Option<f64>,
    /// Temperature of the die at which clocks are halved (degC).
    pub slowdown_degc: Option<f64>,
    /// Temperature of the die at which the device switches itself off (degC).
    pub shutdown_degc: Option<f64>,
    /// Highest temperature of the die that software lets it work at (degC).
    pub max_operating_degc: Option<f64>,
    /// Highest temperature of the memory (degC).
    pub memory_max_degc: Option<f64>,
    /// Highest clock of the multiprocessors (MHz).
    pub max_sm_mhz: Option<f64>,
    /// Whether it is cut into instances (MIG): power, energy and temperature are then those of the whole.
    pub is_partitioned: bool,
    /// What is known of each signal that gives values.
    pub signals: BTreeMap<Signal, SignalFacts>,
    /// Why the others give none.
    pub missing: BTreeMap<Signal, Missing>,
}

/// What was measured of a signal at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignalFacts {
    /// Time between two refreshes (ms): the median of the steps seen; none where it did not move.
    pub refresh_ms: Option<f64>,
    /// Length of what it is the mean of (ms), as documented for the device; none for an instant.
    pub window_ms: Option<f64>,
    /// Steps that the refresh was measured from.
    pub steps: u32,
}
