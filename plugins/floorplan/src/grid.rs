//! A floorplan cut into a grid of equal cells: 4 layers of rows x columns nodes and the twelve of the periphery.
//!
//! Every cell is a block of the recipe in [`Package::network`], so a finer grid resolves the heat inside blocks with the same
//! materials and periphery. (HotSpot's own grid mode differs in its vertical conductances; blocks and grid differ by
//! up to 2 K of a 33 K rise on an H100-like package.)

use crate::flp::{Block, Floorplan, shared};
use crate::package::{Edge, Package, PackageError};
use crate::sparse::SparseNetwork;

/// A grid network with the share of each block in each cell.
#[derive(Clone, Debug, PartialEq)]
pub struct GridNetwork {
    /// The network; the first `rows x columns` nodes are the chip's cells, row after row from the bottom left.
    pub network: SparseNetwork,
    /// Per block, the chip's cells it covers and the share of the block's area in each: a watt into the block enters by these
    /// shares, and the block's mean temperature weighs the cells with them. Shares of a block sum to 1.
    pub shares: Vec<Vec<(usize, f64)>>,
    cells: usize,
}

impl GridNetwork {
    /// Cuts the chip's bounding box into `rows x columns` cells.
    ///
    /// # Errors
    /// [`PackageError`] as in [`Package::network`]; no rows or columns are a package error too.
    pub fn new(package: &Package, floorplan: &Floorplan, rows: usize, columns: usize) -> Result<Self, PackageError> {
        if rows == 0 || columns == 0 {
            return Err(PackageError::Number { name: "cells of the grid", value: (rows * columns) as f64 });
        }
        let (left, bottom, width, height) = floorplan.bounds();
        let (dx, dy) = (width / columns as f64, height / rows as f64);
        let place = |cell: usize| (left + dx * (cell % columns) as f64, bottom + dy * (cell / columns) as f64);
        let cells = rows * columns;
        let blocks = (0..cells).map(|cell| {
            let (left, bottom) = place(cell);
            Block { name: String::new(), width: dx, height: dy, left, bottom }
        });
        let mut edges = Vec::with_capacity(2 * cells);
        for cell in 0..cells {
            if cell % columns + 1 < columns {
                edges.push(Edge { a: cell, b: cell + 1, length: dy, distance: dx });
            }
            if cell / columns + 1 < rows {
                edges.push(Edge { a: cell, b: cell + columns, length: dx, distance: dy });
            }
        }
        let network = package.assemble(&Floorplan { blocks: blocks.collect() }, &edges)?;
        let shares = floorplan.blocks.iter().map(|block| {
            let first = |from: f64, step: f64, count: usize| ((from / step).floor().max(0.0) as usize).min(count - 1);
            let last = |to: f64, step: f64, count: usize| ((to / step).ceil().max(1.0) as usize).min(count);
            let mut covered = Vec::new();
            for row in first(block.bottom - bottom, dy, rows)..last(block.top() - bottom, dy, rows) {
                for column in first(block.left - left, dx, columns)..last(block.right() - left, dx, columns) {
                    let (x, y) = place(row * columns + column);
                    let area = shared((x, x + dx), (block.left, block.right())).max(0.0)
                        * shared((y, y + dy), (block.bottom, block.top())).max(0.0);
                    if area > 1e-12 * block.area() {
                        covered.push((row * columns + column, area));
                    }
                }
            }
            let total: f64 = covered.iter().map(|(_, area)| area).sum();
            covered.into_iter().map(|(cell, area)| (cell, area / total)).collect()
        });
        Ok(Self { shares: shares.collect(), network, cells })
    }

    /// Cells of a layer.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }
}
