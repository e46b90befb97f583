//! From a floorplan and a package to the network that HotSpot builds in block mode.
//!
//! Four layers of nodes, one per block each (chip, interface, spreader, sink), then twelve of the periphery: spreader W, E, N, S, inner
//! sink W, E, N, S, outer sink W, E, N, S. The recipe is HotSpot's (University of Virginia, version 7), in our words: vertical conductances use
//! the upper layer's whole thickness, conduction within a layer uses half the extent of each block, and
//! capacities carry a factor.

use isotherm_core::thermal::NetworkError;
use thiserror::Error;

use crate::flp::{Block, Floorplan, SAME_M, shared};
use crate::periphery;
use crate::sparse::SparseNetwork;

/// HotSpot's "lumped correction" on every capacity. Right for thin layers; it makes the slow time constants of a heat sink three
/// times too short, so a package that is to behave like metal takes 1.
pub const HOTSPOT_CAPACITY_FACTOR: f64 = 0.333;

/// A layer's material.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// Thickness (m).
    pub thickness: f64,
    /// Thermal conductivity (W/(m K)).
    pub conductivity: f64,
    /// Volumetric heat capacity (J/(m3 K)).
    pub heat: f64,
}

/// A package: chip, interface material, heat spreader, heat sink with its convection.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Silicon.
    pub chip: Layer,
    /// Thermal interface material.
    pub interface: Layer,
    /// Heat spreader.
    pub spreader: Layer,
    /// Heat sink's base.
    pub sink: Layer,
    /// Side of the square spreader (m).
    pub spreader_side: f64,
    /// Side of the square sink (m).
    pub sink_side: f64,
    /// Convection resistance of the whole sink (K/W).
    pub convection_resistance: f64,
    /// Heat capacity of the convection (J/K).
    pub convection_capacity: f64,
    /// Factor on all capacities: [`HOTSPOT_CAPACITY_FACTOR`] for agreement with HotSpot, 1 for physical ones.
    pub capacity_factor: f64,
    /// Whether heat flows sideways in the chip (HotSpot's `block_omit_lateral` is the opposite).
    pub lateral_in_chip: bool,
}

impl Default for Package {
    /// HotSpot's own default package, with its capacity factor.
    fn default() -> Self {
        let copper = |thickness| Layer { thickness, conductivity: 400.0, heat: 3.55e6 };
        Self {
            chip: Layer { thickness: 0.15e-3, conductivity: 130.0, heat: 1.6303e6 },
            interface: Layer { thickness: 20e-6, conductivity: 4.0, heat: 4e6 },
            spreader: copper(1e-3),
            sink: copper(6.9e-3),
            spreader_side: 30e-3,
            sink_side: 60e-3,
            convection_resistance: 0.1,
            convection_capacity: 140.4,
            capacity_factor: HOTSPOT_CAPACITY_FACTOR,
            lateral_in_chip: true,
        }
    }
}

/// A package that a floorplan does not fit, or that is not physical. Nothing was built.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum PackageError {
    /// A number that is not positive.
    #[error("{name} is {value}; expected a positive number")]
    Number {
        /// Which parameter.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// Chip, spreader and sink do not lie inside one another.
    #[error(
        "the chip is {chip:.6} m on its longer side, the spreader {spreader:.6} m, the sink {sink:.6} m; each must be larger than the one \
         before, as in 0.02, 0.03, 0.06"
    )]
    Sizes {
        /// Longer side of the chip (m).
        chip: f64,
        /// Side of the spreader (m).
        spreader: f64,
        /// Side of the sink (m).
        sink: f64,
    },
    /// The network is not physical.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Two blocks with a common edge: its length, and the distance between their centres across it (m).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) length: f64,
    pub(crate) distance: f64,
}

impl Package {
    /// The network of a floorplan: node `i` of the first layer is block `i`.
    ///
    /// ```
    /// use isotherm_floorplan::{Floorplan, Package};
    /// let floorplan = Floorplan::parse("core 0.004 0.006 0 0\ncache 0.006 0.006 0.004 0\n").unwrap();
    /// let network = Package::default().network(&floorplan).unwrap();
    /// assert_eq!(network.nodes(), 4 * 2 + 12);
    /// // The whole sink leaves heat through at least its convection resistance.
    /// assert!(network.ambient.iter().sum::<f64>() < 1.0 / 0.1);
    /// let small = Package { spreader_side: 0.005, ..Package::default() };
    /// assert!(small.network(&floorplan).unwrap_err().to_string().contains("each must be larger"));
    /// ```
    ///
    /// # Errors
    /// [`PackageError`] for a package that is not physical or too small.
    pub fn network(&self, floorplan: &Floorplan) -> Result<SparseNetwork, PackageError> {
        self.assemble(floorplan, &edges(&floorplan.blocks))
    }

    /// Assembles from blocks and their common edges.
    pub(crate) fn assemble(&self, floorplan: &Floorplan, edges: &[Edge]) -> Result<SparseNetwork, PackageError> {
        self.check(floorplan)?;
        let blocks = &floorplan.blocks;
        let n = blocks.len();
        let mut network = SparseNetwork {
            capacity: vec![0.0; 4 * n + 12],
            links: Vec::with_capacity(3 * n + 4 * edges.len() + 64),
            ambient: vec![0.0; 4 * n + 12],
        };
        let sink_area = self.sink_side * self.sink_side;
        for (index, layer) in self.layers().iter().enumerate() {
            for (block, rectangle) in blocks.iter().enumerate() {
                let area = rectangle.area();
                let node = index * n + block;
                network.capacity[node] = self.capacity_factor * layer.heat * layer.thickness * area;
                if index < 3 {
                    let down = layer.conductivity * area / layer.thickness;
                    network.links.push((node, node + n, down));
                } else {
                    network.capacity[node] += self.capacity_factor * self.convection_capacity * area / sink_area;
                    network.ambient[node] = self.to_ambient(area);
                }
            }
            if index > 0 || self.lateral_in_chip {
                for edge in edges {
                    let across = layer.conductivity * layer.thickness * edge.length / edge.distance;
                    network.links.push((index * n + edge.a, index * n + edge.b, across));
                }
            }
        }
        periphery::add(self, floorplan, &mut network);
        Ok(network)
    }

    pub(crate) fn layers(&self) -> [Layer; 4] {
        [self.chip, self.interface, self.spreader, self.sink]
    }

    /// Conductance of a piece of the sink to the ambient: through its thickness, then its share of the convection.
    pub(crate) fn to_ambient(&self, area: f64) -> f64 {
        let through = self.sink.thickness / (self.sink.conductivity * area);
        1.0 / (through + self.convection_resistance * self.sink_side * self.sink_side / area)
    }

    fn check(&self, floorplan: &Floorplan) -> Result<(), PackageError> {
        let [chip, interface, spreader, sink] = self.layers();
        let layer = |names: [&'static str; 3], l: Layer| names.into_iter().zip([l.thickness, l.conductivity, l.heat]);
        let numbers = layer(["t_chip", "k_chip", "p_chip"], chip)
            .chain(layer(["t_interface", "k_interface", "p_interface"], interface))
            .chain(layer(["t_spreader", "k_spreader", "p_spreader"], spreader))
            .chain(layer(["t_sink", "k_sink", "p_sink"], sink))
            .chain([
                ("s_spreader", self.spreader_side),
                ("s_sink", self.sink_side),
                ("r_convec", self.convection_resistance),
                ("c_convec", self.convection_capacity),
                ("capacity_factor", self.capacity_factor),
            ]);
        for (name, value) in numbers {
            if !(value.is_finite() && value > 0.0) {
                return Err(PackageError::Number { name, value });
            }
        }
        let (_, _, width, height) = floorplan.bounds();
        let chip = width.max(height);
        if chip < self.spreader_side && self.spreader_side < self.sink_side {
            Ok(())
        } else {
            Err(PackageError::Sizes { chip, spreader: self.spreader_side, sink: self.sink_side })
        }
    }
}

/// All pairs of blocks with a common edge.
fn edges(blocks: &[Block]) -> Vec<Edge> {
    let mut edges = Vec::new();
    for (a, first) in blocks.iter().enumerate() {
        for (b, second) in blocks.iter().enumerate().skip(a + 1) {
            let touch = |x: f64, y: f64| (x - y).abs() < SAME_M;
            let beside = touch(first.right(), second.left) || touch(second.right(), first.left);
            let above = touch(first.top(), second.bottom) || touch(second.top(), first.bottom);
            let in_y = shared((first.bottom, first.top()), (second.bottom, second.top()));
            let in_x = shared((first.left, first.right()), (second.left, second.right()));
            if beside && in_y > SAME_M {
                edges.push(Edge { a, b, length: in_y, distance: first.width / 2.0 + second.width / 2.0 });
            } else if above && in_x > SAME_M {
                edges.push(Edge { a, b, length: in_x, distance: first.height / 2.0 + second.height / 2.0 });
            }
        }
    }
    edges
}
