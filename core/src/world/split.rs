//! Which copy of an expert serves which of its assignments.

use super::traffic::{Origins, Traffic};
use crate::dispatch::{CopyChoice, TokenSources};
use crate::id::{ExpertId, GpuId};
use crate::load::Share;
use crate::placement::Placement;
use crate::routing::Routing;

/// The shares of all GPUs in a batch: for each expert that a GPU holds, how many assignments it serves.
pub(super) type Split = Vec<Vec<(ExpertId, u32)>>;

/// Shares every expert's assignments out among its copies and writes down where they come from; an entry per GPU.
///
/// `speeds` has an entry per GPU. Shares are whole numbers that sum to the assignments. What cannot be shared equally goes to the
/// first copies; by speed, to the largest remainders.
pub(super) fn share_out(
    choice: CopyChoice,
    assignments: &[u32],
    placement: &Placement,
    speeds: &[f64],
    origins: &Origins,
    traffic: &mut Traffic,
) -> Split {
    let mut shares = vec![Vec::new(); traffic.gpus()];
    let (mut counts, mut from_one) = (Vec::new(), Vec::new());
    for (e, &count) in assignments.iter().enumerate() {
        let expert = ExpertId(e as u32);
        let copies = placement.copies(expert);
        match choice {
            CopyChoice::LocalFirst if copies.len() > 1 => {
                counts.clear();
                counts.resize(copies.len(), 0);
                for &(source, number) in origins.of(expert) {
                    nearest(number, source, copies, traffic, &mut from_one);
                    for ((copy, served), all) in copies.iter().zip(&from_one).zip(&mut counts) {
                        *all += served;
                        traffic.serve(expert, source, *copy, f64::from(*served));
                    }
                }
            }
            _ => {
                match choice {
                    CopyChoice::BySpeed => by_weight(count, copies.iter().map(|gpu| speeds[gpu.index()]), &mut counts),
                    _ => equally(count, copies.len(), &mut counts),
                }
                // Tokens are dealt out without looking where they come from: every copy gets the same mixture.
                for &(source, number) in origins.of(expert) {
                    for (copy, served) in copies.iter().zip(&counts) {
                        let part = f64::from(*served) / f64::from(count.max(1));
                        traffic.serve(expert, source, *copy, f64::from(number) * part);
                    }
                }
            }
        }
        for (gpu, served) in copies.iter().zip(&counts) {
            shares[gpu.index()].push((expert, *served));
        }
    }
    shares
}

/// Shares a routing out among GPUs of one node as a run does: for whoever executes it on real devices.
///
/// ```
/// use isotherm_core::{dispatch::CopyChoice, id::ExpertId, placement::Placement, routing::Routing, world::Sharing};
/// let placement = Placement::contiguous(4, 2);
/// let mut routing = Routing::new(4, 1);
/// routing.reset(3);
/// routing.experts.copy_from_slice(&[0, 3, 0]);
/// routing.count();
/// let shares = Sharing::default().share_out(CopyChoice::Even, &routing, &placement, 2);
/// assert_eq!(shares, [vec![(ExpertId(0), 2)], vec![(ExpertId(3), 1)]]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    origins: Origins,
    traffic: Traffic,
}

impl Sharing {
    /// What each of `gpus` GPUs has to do: experts with at least one assignment, by ascending number. All GPUs count as equally fast.
    #[must_use]
    pub fn share_out(
        &mut self,
        choice: CopyChoice,
        routing: &Routing<'_>,
        placement: &Placement,
        gpus: usize,
    ) -> Vec<Share> {
        let all: Vec<GpuId> = (0..gpus as u32).map(GpuId).collect();
        let sources = TokenSources::new(&all, gpus);
        self.origins.collect(&routing.experts, routing.top_k(), placement.experts(), sources);
        self.traffic.clear(gpus, 1, gpus);
        let speeds = vec![1.0; gpus];
        let mut split = share_out(choice, &routing.counts, placement, &speeds, &self.origins, &mut self.traffic);
        split.iter_mut().for_each(|share| share.retain(|(_, count)| *count > 0));
        split
    }
}

/// `count` in `parts` equal shares, what is left over to the first ones.
fn equally(count: u32, parts: usize, shares: &mut Vec<u32>) {
    let (each, over) = (count / parts as u32, count as usize % parts);
    shares.clear();
    shares.extend((0..parts).map(|part| each + u32::from(part < over)));
}

/// `count` in shares proportional to `weights`, rounded down, what is left over one each to the largest remainders, lowest index first.
fn by_weight(count: u32, weights: impl Iterator<Item = f64> + Clone, shares: &mut Vec<u32>) {
    let sum: f64 = weights.clone().sum();
    let quota = |weight: f64| f64::from(count) * weight / sum;
    shares.clear();
    shares.extend(weights.clone().map(|weight| quota(weight) as u32));
    let mut over = count.saturating_sub(shares.iter().sum());
    let mut remainders: Vec<(usize, f64)> = weights.map(|weight| quota(weight).fract()).enumerate().collect();
    remainders.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    for (part, _) in remainders.into_iter().cycle().take(over as usize) {
        shares[part] += 1;
        over -= 1;
    }
    debug_assert_eq!(over, 0);
}

/// What each of `copies` serves of `number` assignments of tokens on `source`: all where the token is, else equal shares among those in
/// its node, else among all. What is left over goes to the copies after the source's own place, so that sources do not agree on one.
fn nearest(number: u32, source: GpuId, copies: &[GpuId], traffic: &Traffic, shares: &mut Vec<u32>) {
    let here = |gpu: &GpuId| traffic.is_local(source, *gpu);
    let near = |gpu: &GpuId| traffic.same_node(source, *gpu);
    shares.clear();
    shares.resize(copies.len(), 0);
    let chosen: Vec<usize> = match (copies.iter().position(here), copies.iter().any(near)) {
        (Some(place), _) => vec![place],
        (None, true) => (0..copies.len()).filter(|place| near(&copies[*place])).collect(),
        (None, false) => (0..copies.len()).collect(),
    };
    let (each, over) = (number / chosen.len() as u32, number as usize % chosen.len());
    for (turn, place) in chosen.iter().enumerate() {
        let after_source = (turn + chosen.len() - source.index() % chosen.len()) % chosen.len();
        shares[*place] = each + u32::from(after_source < over);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GPUS: [GpuId; 4] = [GpuId(0), GpuId(1), GpuId(2), GpuId(3)];

    /// Two tokens a GPU, each at one expert, in two nodes of two GPUs.
    fn shared(choice: CopyChoice, experts: [u32; 8], copies: Vec<Vec<GpuId>>, speeds: [f64; 4]) -> (Split, Traffic) {
        let placement = Placement::new(4, copies).unwrap();
        let mut counts = vec![0; placement.experts()];
        experts.iter().for_each(|e| counts[*e as usize] += 1);
        let (mut origins, mut traffic) = (Origins::default(), Traffic::default());
        origins.collect(&experts, 1, counts.len(), TokenSources::new(&GPUS, 2));
        traffic.clear(4, 1, 2);
        let split = share_out(choice, &counts, &placement, &speeds, &origins, &mut traffic);
        (split, traffic)
    }

    #[test]
    fn every_assignment_is_served_once() {
        let copies = vec![vec![GpuId(0), GpuId(1), GpuId(2)], vec![GpuId(1)]];
        let (split, _) = shared(CopyChoice::Even, [0, 0, 0, 0, 0, 1, 1, 1], copies, [1.0; 4]);
        let served = |e, n| (ExpertId(e), n);
        assert_eq!(split, [vec![served(0, 2)], vec![served(0, 2), served(1, 3)], vec![served(0, 1)], vec![]]);
    }

    #[test]
    fn by_speed_the_largest_remainders_get_what_is_left_over() {
        let mut shares = Vec::new();
        by_weight(10, [1.0, 1.0, 1.0].into_iter(), &mut shares);
        assert_eq!(shares, [4, 3, 3]);
        by_weight(7, [1.0, 2.0, 0.5].into_iter(), &mut shares);
        assert_eq!(shares, [2, 4, 1], "quotas 2, 4, 1");
        by_weight(5, [0.7, 1.3].into_iter(), &mut shares);
        assert_eq!(shares, [2, 3], "quotas 1.75, 3.25");
    }

    #[test]
    fn local_first_serves_at_home_then_in_the_node_then_anywhere() {
        // Tokens 0 and 1 are on GPU 0, 2 and 3 on GPU 1, ...: expert 0 has copies on GPUs 0 and 2.
        let copies = vec![vec![GpuId(0), GpuId(2)], vec![GpuId(3)]];
        let (split, traffic) = shared(CopyChoice::LocalFirst, [0, 0, 0, 0, 0, 0, 0, 1], copies, [1.0; 4]);
        // GPU 0 its own two and the two of GPU 1; GPU 2 its own two and the one of GPU 3.
        assert_eq!(split[0], [(ExpertId(0), 4)]);
        assert_eq!(split[2], [(ExpertId(0), 3)]);
        assert_eq!(traffic.local(), 5.0);
        assert_eq!(traffic.remote(ExpertId(0), GpuId(0)), 2.0);
        assert!(traffic.flows().iter().all(|flow| flow.out_far == 0.0 && flow.in_far == 0.0));
        let far = vec![vec![GpuId(2), GpuId(3)], vec![GpuId(3)]];
        let (split, _) = shared(CopyChoice::LocalFirst, [0, 0, 0, 1, 1, 1, 1, 1], far, [1.0; 4]);
        // GPU 0 begins with the first copy, GPU 1 with the second.
        assert_eq!((split[2][0].1, split[3][0].1), (1, 2));
    }

    proptest! {
        /// Whole shares that sum to the assignments, and flows whose ends agree with them, whatever the choice.
        #[test]
        fn shares_and_flows_add_up(
            experts in prop::array::uniform8(0_u32..3),
            homes in prop::collection::vec(prop::collection::btree_set(0_u32..4, 1..5), 3),
            speeds in prop::array::uniform4(0.1_f64..3.0),
            choice in prop::sample::select(vec![CopyChoice::Even, CopyChoice::BySpeed, CopyChoice::LocalFirst]),
        ) {
            let copies = homes.iter().map(|set| set.iter().copied().map(GpuId).collect()).collect();
            let (split, traffic) = shared(choice, experts, copies, speeds);
            for e in 0..3 {
                let served: u32 = split.iter().flatten().filter(|(expert, _)| expert.0 == e).map(|(_, n)| n).sum();
                prop_assert_eq!(served as usize, experts.iter().filter(|expert| **expert == e).count());
            }
            let all: f64 = traffic.flows().iter().map(|flow| flow.out_near + flow.out_far).sum();
            prop_assert!((all + traffic.local() - 8.0).abs() < 1e-12);
            for (gpu, share) in split.iter().enumerate() {
                let served: u32 = share.iter().map(|(_, n)| n).sum();
                let flow = traffic.flows()[gpu];
                let from_here = f64::from(served) - flow.in_near - flow.in_far;
                prop_assert!((-1e-12..=2.0 + 1e-12).contains(&from_here), "a GPU holds two tokens");
                prop_assert!(flow.out_near + flow.out_far <= 2.0 + 1e-12);
            }
        }
    }
}
