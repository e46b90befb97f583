//! The parts of spreader and sink that stick out beyond what is above them.

use crate::flp::{Block, Floorplan, SAME_M};
use crate::package::Package;
use crate::sparse::SparseNetwork;

/// A side of the chip.
#[derive(Clone, Copy)]
enum Side {
    West,
    East,
    North,
    South,
}

/// In the order of the nodes.
const SIDES: [Side; 4] = [Side::West, Side::East, Side::North, Side::South];

/// Adds the twelve periphery nodes behind the blocks' nodes.
pub(crate) fn add(package: &Package, floorplan: &Floorplan, network: &mut SparseNetwork) {
    let n = floorplan.blocks.len();
    let (left, bottom, width, height) = floorplan.bounds();
    let (s_p, s_k) = (package.spreader_side, package.sink_side);
    let (spreader, sink) = (package.spreader, package.sink);
    let resistance = |k: f64, t: f64, area: f64| t / (k * area);
    let outer_area = (s_k * s_k - s_p * s_p) / 4.0;
    for (at, side) in SIDES.into_iter().enumerate() {
        // Seen from north and south, width is along the edge and height across; from east and west it is the other way round.
        let (along, across) = match side {
            Side::North | Side::South => (width, height),
            Side::West | Side::East => (height, width),
        };
        let (edge, inner, outer) = (4 * n + at, 4 * n + 4 + at, 4 * n + 8 + at);
        let area = (s_p + along) * (s_p - across) / 4.0;
        let sticks_out = (s_p - across) / 4.0;

        for (layer, node) in [(2, edge), (3, inner)] {
            let material = package.layers()[layer];
            let path = resistance(material.conductivity, sticks_out, material.thickness * (s_p + 3.0 * along) / 4.0);
            let to_edge: Vec<(usize, f64)> = floorplan
                .blocks
                .iter()
                .enumerate()
                .filter(|(_, block)| lies_on(block, side, (left, bottom, width, height)))
                .map(|(index, block)| {
                    let (along, across) = match side {
                        Side::North | Side::South => (block.width, block.height),
                        Side::West | Side::East => (block.height, block.width),
                    };
                    (index, material.conductivity * material.thickness * along / (across / 2.0))
                })
                .collect();
            let sum: f64 = to_edge.iter().map(|(_, g)| g).sum();
            for (block, g) in to_edge {
                network.links.push((layer * n + block, node, g / (1.0 + path * sum)));
            }
        }

        network.links.push((edge, inner, spreader.conductivity * area / spreader.thickness));
        let outward = resistance(sink.conductivity, (s_k - s_p) / 4.0, sink.thickness * (s_k + 3.0 * s_p) / 4.0)
            + resistance(sink.conductivity, sticks_out, sink.thickness * (3.0 * s_p + along) / 4.0);
        network.links.push((inner, outer, 1.0 / outward));
        network.ambient[inner] = package.to_ambient(area);
        network.ambient[outer] = package.to_ambient(outer_area);

        let of_sink = sink.heat * sink.thickness + package.convection_capacity / (s_k * s_k);
        network.capacity[edge] = package.capacity_factor * spreader.heat * spreader.thickness * area;
        network.capacity[inner] = package.capacity_factor * of_sink * area;
        network.capacity[outer] = package.capacity_factor * of_sink * outer_area;
    }
}

fn lies_on(block: &Block, side: Side, (left, bottom, width, height): (f64, f64, f64, f64)) -> bool {
    let gap = match side {
        Side::West => block.left - left,
        Side::East => block.right() - (left + width),
        Side::North => block.top() - (bottom + height),
        Side::South => block.bottom - bottom,
    };
    gap.abs() < SAME_M
}
