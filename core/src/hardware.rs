//! The hardware of a scenario: how many GPUs, what a GPU is thermally, which expert lives where.

use serde::{Deserialize, Serialize};

use crate::id::GpuId;
use crate::thermal::{NetworkError, RcNetwork};
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
}

/// One lump of one temperature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Name, unique in the profile.
    pub name: String,
    /// Heat capacity (J/K).
    pub capacity_j_per_k: f64,
    /// Share of the GPU's power that enters here; the shares sum to 1.
    #[serde(default)]
    pub heat_share: f64,
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
    /// A sentence that names the entry: a link to an unknown node, shares that do not sum to 1, an unphysical number.
    pub fn network(&self) -> Result<RcNetwork, String> {
        let index = |name: &str| {
            self.node.iter().position(|node| node.name == name).ok_or_else(|| {
                let known: Vec<_> = self.node.iter().map(|node| node.name.as_str()).collect();
                format!("link to `{name}`, but the nodes are {}", known.join(", "))
            })
        };
        let mut links = Vec::new();
        for link in &self.link {
            links.push((index(&link.between[0])?, index(&link.between[1])?, link.w_per_k));
        }
        if self.node.iter().any(|n| n.heat_share.is_nan() || n.heat_share < 0.0)
            || (self.heat_shares().iter().sum::<f64>() - 1.0).abs() > 1e-9
        {
            return Err("the nodes' `heat_share` must be non-negative and sum to 1".to_owned());
        }
        let capacity: Vec<f64> = self.node.iter().map(|n| n.capacity_j_per_k).collect();
        let ambient: Vec<f64> = self.node.iter().map(|n| n.ambient_w_per_k).collect();
        RcNetwork::new(&capacity, &links, &ambient).map_err(|fault: NetworkError| fault.to_string())
    }

    /// Share of the power that enters each node.
    #[must_use]
    pub fn heat_shares(&self) -> Vec<f64> {
        self.node.iter().map(|n| n.heat_share).collect()
    }
}

/// The `[hardware]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Number of GPUs.
    pub gpus: u32,
    /// What a GPU is thermally. Without one the GPUs' temperatures must be given by the telemetry source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<DeviceProfile>,
    /// Power of a GPU while it waits (W); the profile's where not given, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_power: Option<Watts>,
    /// Die temperature above which time is counted (degC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_limit: Option<Celsius>,
    /// GPU of each expert; contiguous blocks of equal size where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_of_expert: Option<Vec<u32>>,
}

impl Hardware {
    /// Power of a waiting GPU (W).
    #[must_use]
    pub fn idle_watts(&self) -> f64 {
        self.idle_power.or(self.profile.as_ref().map(|p| p.idle_power)).unwrap_or_default().get()
    }

    /// The GPU of each of `experts` experts: as given, or in contiguous blocks whose sizes differ by at most one.
    ///
    /// ```
    /// use isotherm_core::hardware::Hardware;
    /// let hardware = Hardware { gpus: 2, profile: None, idle_power: None, temperature_limit: None, gpu_of_expert: None };
    /// let gpus: Vec<u32> = hardware.placement(5).iter().map(|gpu| gpu.0).collect();
    /// assert_eq!(gpus, [0, 0, 0, 1, 1]);
    /// ```
    #[must_use]
    pub fn placement(&self, experts: u32) -> Vec<GpuId> {
        match &self.gpu_of_expert {
            Some(gpus) => gpus.iter().copied().map(GpuId).collect(),
            None => {
                let (gpus, experts) = (u64::from(self.gpus), u64::from(experts));
                // Expert e of E goes to GPU floor(e G / E): blocks in order.
                (0..experts).map(|e| GpuId((e * gpus / experts.max(1)) as u32)).collect()
            }
        }
    }
}
