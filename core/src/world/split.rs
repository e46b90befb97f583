//! Which copy of an expert serves which of its assignments.

use crate::id::ExpertId;
use crate::placement::Placement;

/// The shares of all GPUs in a batch: for each expert that a GPU holds, how many assignments it serves.
pub(super) type Split = Vec<Vec<(ExpertId, u32)>>;

/// Spreads every expert's assignments evenly over its copies, what is left over to the first ones; an entry per GPU.
pub(super) fn evenly(assignments: &[u32], placement: &Placement, gpus: usize) -> Split {
    let mut shares = vec![Vec::new(); gpus];
    for (e, &count) in assignments.iter().enumerate() {
        let expert = ExpertId(e as u32);
        let copies = placement.copies(expert);
        let (each, over) = (count / copies.len() as u32, count as usize % copies.len());
        for (copy, gpu) in copies.iter().enumerate() {
            shares[gpu.index()].push((expert, each + u32::from(copy < over)));
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::GpuId;

    #[test]
    fn every_assignment_is_served_once() {
        let copies = vec![vec![GpuId(0), GpuId(1), GpuId(2)], vec![GpuId(1)]];
        let placement = Placement::new(3, copies).unwrap();
        let shares = evenly(&[8, 5], &placement, 3);
        assert_eq!(shares, [vec![(ExpertId(0), 3)], vec![(ExpertId(0), 3), (ExpertId(1), 5)], vec![(ExpertId(0), 2)]]);
    }
}
