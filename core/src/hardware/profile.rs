//! A device profile: one GPU as a thermal network, a power law, clocks and limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kernel::Kernels;
use super::{Clock, Interconnect, Limits, MemoryPower, Origin, PowerLaw, Sensor};
use crate::thermal::{LeakyModes, NetworkError, RcNetwork};
use crate::units::{Celsius, Watts};

/// A device profile file: one GPU as a small RC network, with where each number comes from in its comments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceProfile {
    /// What the profile describes.
    pub name: String,
    /// Power while waiting for work (W).
    pub idle_power: Watts,
    /// Temperature of the air or liquid that takes the heat (degC).
    pub ambient: Celsius,
    /// The lumps of the package; the first is the die, whose temperature is *the* temperature of the GPU.
    pub node: Vec<Node>,
    /// Conductances between lumps.
    #[serde(default)]
    pub link: Vec<Link>,
    /// Clocks and voltages; without them the clock never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// What the GPU draws at which clock, temperature and work; without it `idle_power` and the cost table say all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<PowerLaw>,
    /// What the memory draws where a recording has no reading of it, and the heat of moving its data; without it all heat
    /// follows `heat_share`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_power: Option<MemoryPower>,
    /// What the governor holds the GPU to; without them nothing limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// What its MoE kernels achieve; without it the cost model `device` cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernels>,
    /// What moving tokens between GPUs costs; without it the exchange is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interconnect: Option<Interconnect>,
    /// What reading it shows of its true state; without it, what NVML shows of an H200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensor: Option<Sensor>,
    /// Where numbers come from, by the path of their key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origin: BTreeMap<String, Origin>,
}

/// One lump of one temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Name, unique in the profile.
    pub name: String,
    /// Heat capacity (J/K).
    pub capacity_j_per_k: f64,
    /// Share of the GPU's power, without that of its memory, that enters here; the shares sum to 1.
    #[serde(default)]
    pub heat_share: f64,
    /// Share of the memory's power that enters here; the shares sum to 1, or none is given and it enters like the rest.
    #[serde(default)]
    pub memory_heat_share: f64,
    /// Conductance to the ambient (W/K).
    #[serde(default)]
    pub ambient_w_per_k: f64,
}

/// A conductance between two lumps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The two nodes, by name.
    pub between: [String; 2],
    /// Conductance (W/K).
    pub w_per_k: f64,
}

impl DeviceProfile {
    /// Assembles the network of the profile.
    ///
    /// # Errors
    /// As [`DeviceProfile::network_with`].
    pub fn network(&self) -> Result<RcNetwork, String> {
        self.network_with(1.0, 1.0)
    }

    /// Assembles the network of the profile, with all conductances times `conductance` and those to the ambient times
    /// `to_ambient` too.
    ///
    /// # Errors
    /// A sentence that names the entry: a link to an unknown node, shares that do not sum to 1, an unphysical number.
    pub fn network_with(&self, conductance: f64, to_ambient: f64) -> Result<RcNetwork, String> {
        let index = |name: &str| {
            self.node.iter().position(|node| node.name == name).ok_or_else(|| {
                let known: Vec<_> = self.node.iter().map(|node| node.name.as_str()).collect();
                format!("link to `{name}`, but the nodes are {}", known.join(", "))
            })
        };
        let mut links = Vec::new();
        for link in &self.link {
            links.push((index(&link.between[0])?, index(&link.between[1])?, conductance * link.w_per_k));
        }
        check_shares("heat_share", &self.heat_shares())?;
        check_shares("memory_heat_share", &self.memory_heat_shares())?;
        let capacity: Vec<f64> = self.node.iter().map(|n| n.capacity_j_per_k).collect();
        let ambient: Vec<f64> = self.node.iter().map(|n| conductance * to_ambient * n.ambient_w_per_k).collect();
        let network = RcNetwork::new(&capacity, &links, &ambient).map_err(|fault| self.named(&fault))?;
        network.check_definite().map_err(|fault| self.named(&fault))?;
        Ok(network)
    }

    /// A fault of the network with the names of the nodes.
    fn named(&self, fault: &NetworkError) -> String {
        let names: Vec<String> =
            self.node.iter().enumerate().map(|(index, node)| format!("{index} `{}`", node.name)).collect();
        format!("{fault} (nodes: {})", names.join(", "))
    }

    /// What is wrong with the profile, as a sentence.
    ///
    /// # Errors
    /// The first section that is not physical.
    pub fn check(&self) -> Result<(), String> {
        if let Some(twice) =
            (1..self.node.len()).find(|at| self.node[..*at].iter().any(|n| n.name == self.node[*at].name))
        {
            return Err(format!("two nodes are called `{}`", self.node[twice].name));
        }
        let network = self.network()?;
        if let Some(power) = &self.power {
            power.check()?;
            // No power is low enough for a device whose leakage outgrows its cooling.
            let leakage = power.leakage_of_die(1.0, self.ambient.get() + DESIGN_RISE_K);
            LeakyModes::new(&network, &[leakage], power.leakage_law).map_err(|fault| fault.to_string())?;
        }
        self.clock.as_ref().map_or(Ok(()), Clock::check)?;
        self.memory_power.as_ref().map_or(Ok(()), MemoryPower::check)?;
        self.kernel.as_ref().map_or(Ok(()), Kernels::check)?;
        self.interconnect.as_ref().map_or(Ok(()), Interconnect::check)?;
        if let Some(Err((key, message))) = self.sensor.as_ref().map(Sensor::check) {
            return Err(format!("`sensor.{key}` {message}"));
        }
        self.limits.as_ref().map_or(Ok(()), Limits::check)
    }

    /// Share of the power, without the memory's, that enters each node.
    #[must_use]
    pub fn heat_shares(&self) -> Vec<f64> {
        self.node.iter().map(|n| n.heat_share).collect()
    }

    /// Share of the memory's power that enters each node.
    #[must_use]
    pub fn memory_heat_shares(&self) -> Vec<f64> {
        if self.node.iter().all(|n| n.memory_heat_share == 0.0) {
            return self.heat_shares();
        }
        self.node.iter().map(|n| n.memory_heat_share).collect()
    }

    /// The node whose temperature is the memory's: the one called `hbm`, else the die.
    #[must_use]
    pub fn memory_node(&self) -> usize {
        self.node.iter().position(|node| node.name == "hbm").unwrap_or(0)
    }
}

/// Rise of the die above what cools it at which the tangent of exponential leakage is laid (K): about a device under load.
pub(crate) const DESIGN_RISE_K: f64 = 25.0;

fn check_shares(key: &str, shares: &[f64]) -> Result<(), String> {
    let physical = shares.iter().all(|share| *share >= 0.0) && (shares.iter().sum::<f64>() - 1.0).abs() <= 1e-9;
    if physical {
        return Ok(());
    }
    Err(format!("the nodes' `{key}` must be non-negative and sum to 1, found {shares:?}"))
}
