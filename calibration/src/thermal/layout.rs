//! The networks a fit chooses from, and their parameters.

use isotherm_core::hardware::{DeviceProfile, MemoryPower};
use isotherm_core::thermal::RcNetwork;
use isotherm_core::units::Watts;

use super::model::Model;

/// The parameter that belongs to the cooling and not to the device: what `[hardware.cooling]` calls so.
pub(super) const STREAM: &str = "cooling.stream_w_per_k";

/// One number of a network that the data may settle.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// Path of its key in a profile, as the `origin` table has it.
    pub(super) key: String,
    pub(super) unit: &'static str,
    /// The value taken if the data cannot tell: from the profile the fit started from, or from our H200 recordings.
    pub(super) default: f64,
    /// Bounds of the value itself.
    pub(super) bounds: (f64, f64),
    /// Positive numbers of any size are fitted as their logarithm.
    pub(super) logarithmic: bool,
}

/// A network's topology: what is linked with what.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) nodes: Vec<&'static str>,
    pub(super) links: Vec<(usize, usize)>,
    /// Nodes with a way to the ambient.
    pub(super) outlets: Vec<usize>,
    pub(super) parameters: Vec<Parameter>,
    memory: Option<MemoryPower>,
    /// Whether GPUs stand in the warm air of others.
    upstream: bool,
    /// Whether a recording has readings of the memory's power.
    has_readings: bool,
}

impl Layout {
    /// The network of `order` nodes: die and memory side by side on a chain of none, one or two lumps that lead to the
    /// ambient. `memory` is the law of its power, and whether there are readings of it; without a memory sensor there is no memory node, and only one heat source.
    /// With `upstream` the air that others have warmed is a parameter too.
    pub(super) fn new(
        order: usize,
        memory: Option<(&MemoryPower, bool)>,
        start: Option<&DeviceProfile>,
        upstream: bool,
    ) -> Self {
        let mut nodes = vec!["die"];
        if memory.is_some() {
            nodes.push("hbm");
        }
        let sources = nodes.len();
        let chain: &[&str] = match order.saturating_sub(sources) {
            0 => &[],
            1 => &["sink"],
            _ => &["package", "sink"],
        };
        nodes.extend(chain);
        let (links, outlets) = if chain.is_empty() {
            (Vec::new(), (0..sources).collect())
        } else {
            let mut links: Vec<(usize, usize)> = (0..sources).map(|source| (source, sources)).collect();
            links.extend((sources..nodes.len() - 1).map(|lump| (lump, lump + 1)));
            (links, vec![nodes.len() - 1])
        };
        let mut layout = Self {
            nodes,
            links,
            outlets,
            parameters: Vec::new(),
            memory: memory.map(|m| m.0.clone()),
            upstream,
            has_readings: memory.is_some_and(|m| m.1),
        };
        layout.parameters = layout.list(start);
        layout
    }

    fn list(&self, start: Option<&DeviceProfile>) -> Vec<Parameter> {
        let mut list = Vec::new();
        let mut positive = |key: String, unit, default: f64, bounds| {
            list.push(Parameter { key, unit, default, bounds, logarithmic: true });
        };
        let known = |name: &str| start.and_then(|profile| profile.node.iter().find(|node| node.name == name));
        for node in &self.nodes {
            let (default, bounds) = match *node {
                "die" => (6.0, (0.3, 60.0)),
                "hbm" => (7.0, (0.5, 200.0)),
                "package" => (300.0, (10.0, 3000.0)),
                _ if self.nodes.contains(&"package") => (4000.0, (50.0, 3e4)),
                _ => (1000.0, (20.0, 3e4)),
            };
            let default = known(node).map_or(default, |node| node.capacity_j_per_k);
            positive(format!("node.{node}.capacity_j_per_k"), "J/K", default, bounds);
        }
        for (a, b) in &self.links {
            let (a, b) = (self.nodes[*a], self.nodes[*b]);
            let default = match (a, b) {
                ("die", _) => 26.0,
                ("hbm", _) => 12.0,
                _ => 160.0,
            };
            let joins = |link: &&isotherm_core::hardware::Link| {
                link.between == [a.to_owned(), b.to_owned()] || link.between == [b.to_owned(), a.to_owned()]
            };
            let default =
                start.and_then(|profile| profile.link.iter().find(joins)).map_or(default, |link| link.w_per_k);
            positive(format!("link.{a}-{b}.w_per_k"), "W/K", default, (1.0, 5000.0));
        }
        for node in &self.outlets {
            let node = self.nodes[*node];
            let default = match node {
                "die" => 22.0,
                "hbm" => 9.0,
                _ if self.nodes.contains(&"package") => 240.0,
                _ => 100.0,
            };
            let default = known(node).map(|node| node.ambient_w_per_k).filter(|value| *value > 0.0).unwrap_or(default);
            positive(format!("node.{node}.ambient_w_per_k"), "W/K", default, (1.0, 1e4));
        }
        if let Some(memory) = &self.memory {
            list.push(Parameter {
                key: "node.hbm.heat_share".to_owned(),
                unit: "",
                default: known("hbm").map_or(0.03, |node| node.heat_share),
                bounds: (0.0, 0.3),
                logarithmic: false,
            });
            list.push(Parameter {
                key: "memory_power.path_at_full_use".to_owned(),
                unit: "W",
                default: memory.path_at_full_use.get(),
                bounds: (0.0, 250.0),
                logarithmic: false,
            });
        }
        if let Some(memory) = self.memory.as_ref().filter(|_| self.has_readings) {
            list.push(Parameter {
                key: "memory_power.reading_weight".to_owned(),
                unit: "",
                default: memory.reading_weight,
                bounds: (0.0, 1.0),
                logarithmic: false,
            });
        }
        if self.upstream {
            list.push(Parameter {
                key: STREAM.to_owned(),
                unit: "W/K",
                default: 100.0,
                bounds: (10.0, 1e4),
                logarithmic: true,
            });
        }
        list
    }

    /// The unknowns of the solver for values of the parameters.
    pub(super) fn unknown(&self, parameter: usize, value: f64) -> f64 {
        if self.parameters[parameter].logarithmic { libm::log(value) } else { value }
    }

    /// The values of the parameters for unknowns of the solver.
    pub(super) fn values(&self, unknowns: &[f64]) -> Vec<f64> {
        let value = |(parameter, x): (&Parameter, &f64)| if parameter.logarithmic { libm::exp(*x) } else { *x };
        self.parameters.iter().zip(unknowns).map(value).collect()
    }

    /// The model with these values; `None` if the network is not physical, which the bounds rule out.
    pub(super) fn model(&self, values: &[f64]) -> Option<Model> {
        let (values, stream_w_per_k) = match values.split_last() {
            Some((last, rest)) if self.upstream => (rest, Some(*last)),
            _ => (values, None),
        };
        let (n, links) = (self.nodes.len(), self.links.len());
        let capacities = values.get(..n)?;
        let conductances = values.get(n..n + links)?;
        let mut ambient = vec![0.0; n];
        for (outlet, value) in self.outlets.iter().zip(values.get(n + links..)?) {
            ambient[*outlet] = *value;
        }
        let links: Vec<_> = self.links.iter().zip(conductances).map(|((a, b), g)| (*a, *b, *g)).collect();
        let network = RcNetwork::new(capacities, &links, &ambient).ok()?;
        let mut heat = vec![0.0; n];
        heat[0] = 1.0;
        let mut memory_heat = heat.clone();
        let mut memory = self.memory.clone();
        if let (Some(memory), Some([share, path, rest @ ..])) =
            (&mut memory, values.get(n + links.len() + self.outlets.len()..))
        {
            if let [weight] = rest {
                memory.reading_weight = *weight;
            }
            heat[0] = 1.0 - share;
            heat[1] = *share;
            memory_heat = vec![0.0; n];
            memory_heat[1] = 1.0;
            memory.path_at_full_use = Watts::new(*path);
        }
        let sensors = if memory.is_some() { vec![0, 1] } else { vec![0] };
        Some(Model { network, heat, memory_heat, memory, stream_w_per_k, sensors })
    }
}
