//! `replicate`, an option of the simple policies: copies of named experts on top of their placement.

use isotherm_core::id::GpuId;
use isotherm_core::placement::{Placement, PlacementContext, PlacementError};

/// `homes` with one more copy of an expert for every time that `replicate` names it, each on the GPU that holds the fewest copies and none of
/// this expert, lowest number first.
pub(crate) fn with_copies(
    homes: impl Iterator<Item = GpuId>,
    replicate: &[u32],
    context: &PlacementContext<'_>,
) -> Result<Placement, PlacementError> {
    let fault = |message: String| PlacementError::Option {
        option: "replicate",
        message: format!(
            "{message}; for example `replicate = [0, 0, 3]` for two more copies of expert 0 and one of expert 3"
        ),
    };
    let mut copies: Vec<Vec<GpuId>> = homes.map(|home| vec![home]).collect();
    let mut held = vec![0_usize; context.gpus];
    copies.iter().flatten().for_each(|gpu| held[gpu.index()] += 1);
    for &expert in replicate {
        let Some(homes) = copies.get_mut(expert as usize) else {
            return Err(fault(format!("there is no expert {expert}, the last one is {}", context.experts - 1)));
        };
        let free = (0..context.gpus as u32).map(GpuId).filter(|gpu| !homes.contains(gpu));
        let Some(gpu) = free.min_by_key(|gpu| (held[gpu.index()], *gpu)) else {
            return Err(fault(format!("expert {expert} has a copy on each of the {} GPUs already", context.gpus)));
        };
        homes.push(gpu);
        held[gpu.index()] += 1;
    }
    Placement::new(context.gpus, copies)
}
