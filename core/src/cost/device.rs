//! What a GPU needs in time and power for its share of a layer, at a clock.

use super::LayerSpec;
use super::exchange::{Exchange, Flow, Ways};
use crate::hardware::kernel::{Batch, Draw, Kernels, LayerShape, Work, base_draw};
use crate::hardware::{Clock, DeviceProfile, PowerLaw};

/// The cost model `device` of one kind of GPU and one layer: the kernel model of the profile, bound to the layer.
///
/// All times and energies are those of a batch: of one layer times the number of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceCost {
    /// The layer.
    pub layer: LayerSpec,
    /// Clocks and voltages.
    pub clock: Clock,
    /// What the GPU draws.
    pub power: PowerLaw,
    shape: LayerShape,
    kernels: Kernels,
    ways: Option<Ways>,
    waiting_w: f64,
    top_k: u32,
}

impl DeviceCost {
    /// The cost model of `layer`, of whose experts each token takes `top_k`, on the device of `profile`; `same_node` says
    /// whether all its GPUs are in one node.
    ///
    /// # Errors
    /// A sentence that names what the profile lacks.
    pub fn of(layer: &LayerSpec, top_k: u32, profile: &DeviceProfile, same_node: bool) -> Result<Self, String> {
        let lacks = |section: &str| {
            format!(
                "the profile `{}` has no [{section}], which the cost model `device` needs; `isotherm profile fit --from` \
                 carries it over from another profile",
                profile.name
            )
        };
        let interconnect = profile.interconnect.as_ref().filter(|_| layer.exchange);
        Ok(Self {
            layer: layer.clone(),
            shape: layer.shape(),
            top_k,
            clock: profile.clock.clone().ok_or_else(|| lacks("clock"))?,
            power: profile.power.clone().ok_or_else(|| lacks("power"))?,
            kernels: profile.kernel.clone().ok_or_else(|| lacks("kernel"))?,
            waiting_w: interconnect.map_or(0.0, |interconnect| interconnect.waiting_w),
            ways: interconnect.map(|interconnect| Ways::of(interconnect, same_node)),
        })
    }

    /// The share of one GPU that serves `counts[i]` assignments with its `i`-th expert: distinct active experts move their
    /// weights once. Of one layer.
    #[must_use]
    pub fn work(&self, counts: &[u32]) -> Work {
        self.kernels.of(self.shape.implementation).work(&self.shape, Batch::exchanged(counts, self.top_k))
    }

    /// Time of the work (s) at a clock (MHz) with the memory at `memory_rate` of its full rate.
    #[must_use]
    pub fn seconds(&self, work: &Work, mhz: f64, memory_rate: f64) -> f64 {
        f64::from(self.layer.layers) * work.seconds_with(mhz, memory_rate)
    }

    /// Energy of the work (J) at a clock (MHz), beyond what the GPU draws anyway: what heats the die, and what heats the memory's
    /// side of the package.
    #[must_use]
    pub fn joules(&self, work: &Work, mhz: f64) -> (f64, f64) {
        let (compute, memory) = work.dynamic_joules(&self.power, self.clock.voltage_ratio(mhz));
        let path = self.power.joules_per_byte * self.power.byte_share_on_path * work.bytes;
        let layers = f64::from(self.layer.layers);
        (layers * (compute - path), layers * (memory + path))
    }

    /// What the GPU draws at a clock (MHz) while it waits, without leakage.
    #[must_use]
    pub fn base(&self, mhz: f64) -> Draw {
        base_draw(&self.power, &self.clock, mhz)
    }

    /// What a GPU draws above its base while it waits inside a layer for the others (W): the kernels of the exchange spin.
    #[must_use]
    pub fn waiting(&self) -> Draw {
        Draw { compute_w: self.waiting_w, memory_w: 0.0 }
    }

    /// Time of the exchange of activations of a batch (s), there and back; `flows` has an entry per GPU, of one layer and one way.
    ///
    /// Tokens go where they are served, then the results go back. With tensor parallelism the partial sums of an expert's slices
    /// are added on the way back, which costs the same bytes again.
    #[must_use]
    pub fn exchange_seconds(&self, flows: &[Flow]) -> f64 {
        let Some(ways) = &self.ways else { return 0.0 };
        let bytes = self.exchanged_bytes();
        let once = ways.seconds(flows, bytes, |out, into| (out, into));
        let reduced =
            if self.shape.tensor_parallel > 1 { ways.seconds(flows, bytes, |_, into| (into, into)) } else { 0.0 };
        f64::from(self.layer.layers) * (2.0 * once + reduced)
    }

    /// Energy of the same exchange at the GPU with this flow (J).
    #[must_use]
    pub fn exchange_joules(&self, flow: &Flow) -> f64 {
        let once = |ways: &Ways| f64::from(self.layer.layers) * 2.0 * ways.joules(flow, self.exchanged_bytes());
        self.ways.as_ref().map_or(0.0, once)
    }

    /// Bytes of an assignment, one way: there and back are two exchanges, and the shape gives the bytes of both.
    fn exchanged_bytes(&self) -> f64 {
        0.5 * self.shape.bytes_exchanged_per_assignment()
    }

    /// What moving experts takes; `flows` has an entry per GPU, in experts: whole ones, or slices where several GPUs share one.
    ///
    /// The weights of all layers that are routed alike move together.
    #[must_use]
    pub fn moving(&self, flows: &[Flow]) -> Exchange {
        let Some(ways) = &self.ways else { return Exchange { seconds: 0.0, joules: vec![0.0; flows.len()] } };
        let bytes = f64::from(self.layer.layers) * self.kernels.of(self.shape.implementation).weight_bytes(&self.shape);
        Exchange {
            seconds: ways.seconds(flows, bytes, |out, into| (out, into)),
            joules: flows.iter().map(|flow| ways.joules(flow, bytes)).collect(),
        }
    }
}
