//! What EPLB and its thermal relative share: the options, their checks, and the placement of balanced copies.

use isotherm_core::id::{ExpertId, GpuId};
use isotherm_core::placement::{Placement, PlacementContext, PlacementError};

use crate::packing::{Device, pack};
use crate::replication::{load_per_copy, replicate};

/// The options that both policies have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'a> {
    pub(crate) replicas: Option<u32>,
    pub(crate) groups: Option<u32>,
    pub(crate) loads: Option<&'a [f64]>,
    pub(crate) every_batches: Option<u32>,
    pub(crate) keep: bool,
}

/// A fault of an option, with what to write instead.
pub(crate) fn fault(option: &'static str, message: String, example: &str) -> PlacementError {
    PlacementError::Option { option, message: format!("{message}; for example `{example}`") }
}

/// Places balanced copies; `speeds` has an entry per GPU, relative to the others.
pub(crate) fn place(
    options: &Options<'_>,
    context: &PlacementContext<'_>,
    speeds: &[f64],
) -> Result<Placement, PlacementError> {
    let slots = options.slots(context)?;
    let nodes = options.nodes(context)?;
    let uniform;
    let loads = match (context.loads.iter().any(|load| *load > 0.0), options.loads) {
        (true, _) => context.loads,
        (false, Some(expected)) => expected,
        (false, None) => {
            uniform = vec![1.0; context.experts];
            &uniform
        }
    };
    let alive: Vec<GpuId> = (0..context.gpus as u32).map(GpuId).filter(|gpu| !context.lost.contains(gpu)).collect();
    if alive.is_empty() {
        return Err(PlacementError::Unusable("no GPU is left".to_owned()));
    }
    let mut copies = vec![Vec::new(); context.experts];
    let every: Vec<usize> = (0..context.experts).collect();
    match options.groups {
        Some(groups) if nodes > 1 && context.lost.is_empty() => {
            for (node, experts) in groups_to_nodes(loads, groups as usize, nodes, speeds).iter().enumerate() {
                let gpus = &alive[node * context.gpus_per_node..][..context.gpus_per_node];
                share_out(loads, experts, slots, gpus, speeds, options.stays(context), &mut copies);
            }
        }
        _ => share_out(loads, &every, slots, &alive, speeds, options.stays(context), &mut copies),
    }
    Placement::new(context.gpus, copies)
}

impl Options<'_> {
    /// The placement whose copies should stay where they are, as far as balance allows.
    fn stays<'c>(&self, context: &PlacementContext<'c>) -> Option<&'c Placement> {
        context.current.filter(|_| self.keep)
    }

    /// Copies that each GPU holds.
    fn slots(&self, context: &PlacementContext<'_>) -> Result<usize, PlacementError> {
        let (experts, gpus) = (context.experts, context.gpus);
        if let Some(loads) = self.loads {
            let example = format!("loads = [{}]", vec!["1.0"; experts.min(8)].join(", "));
            if loads.len() != experts {
                return Err(fault("loads", format!("{} loads for {experts} experts", loads.len()), &example));
            }
            if loads.iter().any(|load| !(load.is_finite() && *load >= 0.0)) || loads.iter().all(|load| *load == 0.0) {
                return Err(fault(
                    "loads",
                    "expected loads must not be negative, and not all zero".to_owned(),
                    &example,
                ));
            }
        }
        if self.every_batches == Some(0) {
            let message = "a placement after every 0 batches would never end".to_owned();
            return Err(fault("rebalance", message, "rebalance = { every_batches = 20 }"));
        }
        let least = experts.next_multiple_of(gpus);
        let replicas = self.replicas.map_or(least, |replicas| replicas as usize);
        let refused = |why: String| Err(fault("replicas", why, &format!("replicas = {least}")));
        if replicas < experts {
            return refused(format!("{replicas} copies in all for {experts} experts: every expert needs one"));
        }
        if !replicas.is_multiple_of(gpus) {
            return refused(format!("{replicas} copies in all cannot be spread equally over {gpus} GPUs"));
        }
        if replicas > experts * gpus {
            let most = experts * gpus;
            return refused(format!("{replicas} copies in all, but {gpus} GPUs hold at most {most} different ones"));
        }
        Ok(replicas / gpus)
    }

    /// Number of nodes whose groups of experts stay together; checks that groups, nodes and GPUs divide each other.
    fn nodes(&self, context: &PlacementContext<'_>) -> Result<usize, PlacementError> {
        let nodes = context.gpus.div_ceil(context.gpus_per_node.max(1));
        let Some(groups) = self.groups.map(|groups| groups as usize) else { return Ok(nodes) };
        let refused = |why: String| Err(fault("groups", why, &format!("groups = {nodes}")));
        if groups == 0 || !context.experts.is_multiple_of(groups) {
            return refused(format!("{} experts cannot be divided into {groups} equal groups", context.experts));
        }
        if !groups.is_multiple_of(nodes) {
            return refused(format!("{groups} groups of experts cannot be spread equally over {nodes} nodes"));
        }
        if !context.gpus.is_multiple_of(context.gpus_per_node.max(1)) {
            let (gpus, size) = (context.gpus, context.gpus_per_node);
            return refused(format!(
                "groups of experts need equal nodes, but {gpus} GPUs make nodes of {size} and a rest"
            ));
        }
        Ok(nodes)
    }
}

/// The experts of every node: groups of neighbours, packed to nodes by their load, in the order in which they were packed.
fn groups_to_nodes(loads: &[f64], groups: usize, nodes: usize, speeds: &[f64]) -> Vec<Vec<usize>> {
    let size = loads.len() / groups;
    let of_groups: Vec<f64> = loads.chunks_exact(size).map(|group| group.iter().sum()).collect();
    let per_node = speeds.len() / nodes;
    let devices: Vec<Device> = (speeds.chunks_exact(per_node))
        .map(|gpus| Device { room: groups / nodes, speed: gpus.iter().sum::<f64>() / per_node as f64 })
        .collect();
    let owners: Vec<usize> = (0..groups).collect();
    let node_of = pack(&owners, &of_groups, &devices);
    let mut heaviest_first = owners;
    heaviest_first.sort_by(|a, b| of_groups[*b].total_cmp(&of_groups[*a]));
    let mut experts = vec![Vec::new(); nodes];
    for group in heaviest_first {
        experts[node_of[group]].extend(group * size..(group + 1) * size);
    }
    experts
}

/// Copies `experts` and packs the copies to `gpus`, `slots` on each.
fn share_out(
    loads: &[f64],
    experts: &[usize],
    slots: usize,
    gpus: &[GpuId],
    speeds: &[f64],
    current: Option<&Placement>,
    copies: &mut [Vec<GpuId>],
) {
    let own: Vec<f64> = experts.iter().map(|expert| loads[*expert]).collect();
    // With GPUs lost, those that are left may have to hold more than they did at the start, and then not equally many.
    let total = (slots * gpus.len()).max(own.len());
    let owners = replicate(&own, total, gpus.len());
    let weights = load_per_copy(&own, &owners);
    let (each, over) = (total / gpus.len(), total % gpus.len());
    let devices: Vec<Device> = (gpus.iter().enumerate())
        .map(|(place, gpu)| Device { room: each + usize::from(place < over), speed: speeds[gpu.index()] })
        .collect();
    let device_of = pack(&owners, &weights, &devices);
    let alike = devices.iter().all(|device| *device == devices[0]);
    let home = match current.filter(|_| alike) {
        Some(current) => where_most_stays(&owners, &device_of, experts, gpus, current),
        None => gpus.to_vec(),
    };
    for (owner, device) in owners.iter().zip(device_of) {
        copies[experts[*owner]].push(home[device]);
    }
}

/// The GPU of every pack of copies, where packs may go to any of `gpus`: the pack and the GPU that share most copies first, ties to the
/// lowest pack, then the lowest GPU.
fn where_most_stays(
    owners: &[usize],
    pack_of: &[usize],
    experts: &[usize],
    gpus: &[GpuId],
    current: &Placement,
) -> Vec<GpuId> {
    let number = gpus.len();
    let mut place = vec![None; gpus.iter().map(|gpu| gpu.index() + 1).max().unwrap_or(0)];
    gpus.iter().enumerate().for_each(|(at, gpu)| place[gpu.index()] = Some(at));
    let mut shared = vec![0_u32; number * number];
    for (owner, pack) in owners.iter().zip(pack_of) {
        for gpu in current.copies(ExpertId(experts[*owner] as u32)) {
            if let Some(Some(at)) = place.get(gpu.index()) {
                shared[pack * number + at] += 1;
            }
        }
    }
    let mut pairs: Vec<usize> = (0..number * number).collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(shared[*pair]));
    let (mut home, mut taken) = (vec![None; number], vec![false; number]);
    for (pack, at) in pairs.into_iter().map(|pair| (pair / number, pair % number)) {
        if home[pack].is_none() && !taken[at] {
            home[pack] = Some(gpus[at]);
            taken[at] = true;
        }
    }
    home.into_iter().flatten().collect()
}
