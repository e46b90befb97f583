//! Where every GPU stands: nodes, racks, rows; groups take them in order.

use std::ops::Range;

/// The places of a fleet. GPU g of the fleet is in group g / (GPUs of a group); nodes are filled in the same order, racks with nodes, rows with
/// racks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Groups.
    pub groups: usize,
    /// GPUs of a group, a whole number of nodes.
    pub gpus_of_group: usize,
    /// GPUs of a node.
    pub gpus_of_node: usize,
    /// Nodes of a rack; the last rack may have fewer.
    pub nodes_of_rack: usize,
    /// Rows; each has as many racks as any other, or one fewer.
    pub rows: usize,
}

impl Layout {
    /// GPUs of the fleet.
    #[must_use]
    pub fn gpus(&self) -> usize {
        self.groups * self.gpus_of_group
    }

    /// Nodes of the fleet.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.gpus() / self.gpus_of_node
    }

    /// Racks of the fleet.
    #[must_use]
    pub fn racks(&self) -> usize {
        self.nodes().div_ceil(self.nodes_of_rack)
    }

    /// GPUs of a group.
    #[must_use]
    pub fn group(&self, group: usize) -> Range<usize> {
        group * self.gpus_of_group..(group + 1) * self.gpus_of_group
    }

    /// GPUs of a node.
    #[must_use]
    pub fn node(&self, node: usize) -> Range<usize> {
        node * self.gpus_of_node..(node + 1) * self.gpus_of_node
    }

    /// GPUs of a rack.
    #[must_use]
    pub fn rack(&self, rack: usize) -> Range<usize> {
        let of_rack = self.gpus_of_node * self.nodes_of_rack;
        rack * of_rack..((rack + 1) * of_rack).min(self.gpus())
    }

    /// The row of a rack.
    #[must_use]
    pub fn row_of_rack(&self, rack: usize) -> usize {
        rack * self.rows / self.racks()
    }

    /// The row of a node.
    #[must_use]
    pub fn row_of_node(&self, node: usize) -> usize {
        self.row_of_rack(node / self.nodes_of_rack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gpu_is_in_one_node_one_rack_and_one_row() {
        let layout = Layout { groups: 3, gpus_of_group: 40, gpus_of_node: 8, nodes_of_rack: 4, rows: 3 };
        assert_eq!((layout.gpus(), layout.nodes(), layout.racks()), (120, 15, 4));
        let by_rack: Vec<usize> = (0..layout.racks()).flat_map(|rack| layout.rack(rack)).collect();
        assert_eq!(by_rack, (0..120).collect::<Vec<_>>());
        assert_eq!(layout.rack(3).len(), 24);
        let rows: Vec<usize> = (0..4).map(|rack| layout.row_of_rack(rack)).collect();
        assert_eq!(rows, [0, 0, 1, 2]);
        assert_eq!(layout.row_of_node(14), 2);
    }
}
