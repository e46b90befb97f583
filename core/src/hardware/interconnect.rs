//! What moving tokens between GPUs costs.

use serde::{Deserialize, Serialize};

/// The `[interconnect]` section of a device profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interconnect {
    /// Between GPUs of one node.
    pub nvlink: Fabric,
    /// Between nodes; as `nvlink` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Fabric>,
    /// What a GPU draws above idle while it waits inside an exchange for the others (W): its kernels spin.
    #[serde(default)]
    pub waiting_w: f64,
}

/// One way between GPUs, as a GPU's port sees it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fabric {
    /// Time of an exchange of nothing (s): launch, synchronisation, flight.
    pub latency_s: f64,
    /// Rate that an exchange achieves in one direction of one GPU's port (bytes/s).
    pub bytes_per_s: f64,
    /// Energy at one GPU of a byte that leaves or enters it, its way through this GPU's memory included (J).
    pub joules_per_byte: f64,
}

impl Interconnect {
    /// The way between two GPUs of one node, or of two.
    #[must_use]
    pub fn between(&self, same_node: bool) -> &Fabric {
        if same_node { &self.nvlink } else { self.network.as_ref().unwrap_or(&self.nvlink) }
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// A negative latency or energy, a rate that is not positive.
    pub fn check(&self) -> Result<(), String> {
        if !(self.waiting_w.is_finite() && self.waiting_w >= 0.0) {
            return Err(format!("`interconnect.waiting_w` must not be negative, found {}", self.waiting_w));
        }
        let fabrics = [("nvlink", Some(&self.nvlink)), ("network", self.network.as_ref())];
        for (name, fabric) in fabrics.into_iter().filter_map(|(name, fabric)| Some((name, fabric?))) {
            let sound = |value: f64| value.is_finite() && value >= 0.0;
            if !sound(fabric.latency_s) || !sound(fabric.joules_per_byte) {
                return Err(format!("`interconnect.{name}`: `latency_s` and `joules_per_byte` must not be negative"));
            }
            if !(fabric.bytes_per_s.is_finite() && fabric.bytes_per_s > 0.0) {
                return Err(format!(
                    "`interconnect.{name}.bytes_per_s` must be positive, found {}",
                    fabric.bytes_per_s
                ));
            }
        }
        Ok(())
    }
}

impl Fabric {
    /// Time of an all-to-all for a GPU that sends and receives so many bytes (s). Both directions run at once.
    ///
    /// ```
    /// use isotherm_core::hardware::Fabric;
    /// let nvlink = Fabric { latency_s: 20e-6, bytes_per_s: 360e9, joules_per_byte: 0.0 };
    /// assert_eq!(nvlink.all_to_all_seconds(36e6, 72e6), 20e-6 + 200e-6);
    /// assert_eq!(nvlink.all_to_all_seconds(0.0, 0.0), 20e-6);
    /// ```
    #[must_use]
    pub fn all_to_all_seconds(&self, bytes_out: f64, bytes_in: f64) -> f64 {
        self.latency_s + bytes_out.max(bytes_in) / self.bytes_per_s
    }

    /// Energy at one GPU of the bytes that leave and enter it (J).
    #[must_use]
    pub fn joules(&self, bytes: f64) -> f64 {
        self.joules_per_byte * bytes
    }
}
