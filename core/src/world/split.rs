//! Which copy of an expert serves which of its assignments.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::traffic::{Origins, Traffic};
use crate::dispatch::{CopyChoice, TokenSources};
use crate::id::{ExpertId, GpuId};
use crate::load::Share;
use crate::placement::Placement;
use crate::routing::Routing;

/// The shares of all GPUs in a batch: for each expert that a GPU holds, by rising number, how many assignments it serves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Split {
    /// Where the share of each GPU begins in `served`; one entry more than GPUs.
    first: Vec<u32>,
    /// The shares, GPU after GPU.
    served: Vec<(ExpertId, u32)>,
}

impl Split {
    /// Shares of nothing, with room for every copy in `placement`.
    fn clear(&mut self, placement: &Placement, gpus: usize) {
        // The share of GPU g begins at `first[g + 1]` until it is filled, and at `first[g]` then.
        self.first.clear();
        self.first.resize(gpus + 2, 0);
        placement.iter().for_each(|(_, gpu)| self.first[gpu.index() + 2] += 1);
        (2..gpus + 2).for_each(|at| self.first[at] += self.first[at - 1]);
        self.served.clear();
        self.served.resize(placement.slots(), (ExpertId(0), 0));
    }

    /// The next expert of `gpu` serves so many assignments.
    fn push(&mut self, gpu: GpuId, expert: ExpertId, count: u32) {
        let next = &mut self.first[gpu.index() + 1];
        self.served[*next as usize] = (expert, count);
        *next += 1;
    }

    /// Every expert of every GPU has been pushed.
    fn close(&mut self) {
        self.first.pop();
    }

    /// The share of one GPU.
    pub(super) fn of(&self, gpu: usize) -> &[(ExpertId, u32)] {
        self.of_all(gpu..gpu + 1)
    }

    /// The shares of neighbouring GPUs, one after the other.
    pub(super) fn of_all(&self, gpus: Range<usize>) -> &[(ExpertId, u32)] {
        &self.served[self.first[gpus.start] as usize..self.first[gpus.end] as usize]
    }

    /// The share of one GPU, to be changed.
    pub(super) fn of_mut(&mut self, gpu: usize) -> &mut [(ExpertId, u32)] {
        &mut self.served[self.first[gpu] as usize..self.first[gpu + 1] as usize]
    }

    /// The shares of all GPUs, by rising number.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[(ExpertId, u32)]> {
        self.first.windows(2).map(|ends| &self.served[ends[0] as usize..ends[1] as usize])
    }
}

/// Scratch of [`share_out`].
#[derive(Clone, Debug, Default)]
pub(super) struct Dealt {
    /// What each copy of an expert serves, of all its assignments and of those from one GPU.
    all: Vec<u32>,
    from_one: Vec<u32>,
    /// Copies that are near to a GPU, and what rounding down has left of a copy's part.
    near: Vec<usize>,
    remainders: Vec<(usize, f64)>,
}

/// Shares every expert's assignments out among its copies into `split` and writes down where they come from.
///
/// `speeds` has an entry per GPU. Shares are whole numbers that sum to the assignments. What cannot be shared equally goes to the
/// first copies; by speed, to the largest remainders.
pub(super) fn share_out(
    (choice, speeds): (CopyChoice, &[f64]),
    assignments: &[u32],
    placement: &Placement,
    origins: &Origins,
    traffic: &mut Traffic,
    dealt: &mut Dealt,
    split: &mut Split,
) {
    split.clear(placement, traffic.gpus());
    for (e, &count) in assignments.iter().enumerate() {
        let expert = ExpertId(e as u32);
        let copies = placement.copies(expert);
        match choice {
            CopyChoice::LocalFirst if copies.len() > 1 => {
                dealt.all.clear();
                dealt.all.resize(copies.len(), 0);
                for &(source, number) in origins.of(expert) {
                    dealt.nearest(number, source, copies, traffic);
                    for ((copy, served), all) in copies.iter().zip(&dealt.from_one).zip(&mut dealt.all) {
                        *all += served;
                        traffic.serve(expert, source, *copy, f64::from(*served));
                    }
                }
            }
            _ => {
                match choice {
                    CopyChoice::BySpeed => dealt.by_weight(count, copies.iter().map(|gpu| speeds[gpu.index()])),
                    _ => dealt.equally(count, copies.len()),
                }
                // Tokens are dealt out without looking where they come from: every copy gets the same mixture.
                for &(source, number) in origins.of(expert) {
                    for (copy, served) in copies.iter().zip(&dealt.all) {
                        let part = f64::from(*served) / f64::from(count.max(1));
                        traffic.serve(expert, source, *copy, f64::from(number) * part);
                    }
                }
            }
        }
        for (gpu, served) in copies.iter().zip(&dealt.all) {
            split.push(*gpu, expert, *served);
        }
    }
    split.close();
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
    dealt: Dealt,
    split: Split,
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
        let Self { origins, traffic, dealt, split } = self;
        share_out((choice, &speeds), &routing.counts, placement, origins, traffic, dealt, split);
        split.iter().map(|share| share.iter().copied().filter(|(_, count)| *count > 0).collect()).collect()
    }
}

impl Dealt {
    /// `count` in `parts` equal shares, what is left over to the first ones.
    fn equally(&mut self, count: u32, parts: usize) {
        let (each, over) = (count / parts as u32, count as usize % parts);
        self.all.clear();
        self.all.extend((0..parts).map(|part| each + u32::from(part < over)));
    }

    /// `count` in shares proportional to `weights`, rounded down, what is left over one each to the largest remainders, lowest index first.
    fn by_weight(&mut self, count: u32, weights: impl Iterator<Item = f64> + Clone) {
        let sum: f64 = weights.clone().sum();
        let quota = |weight: f64| f64::from(count) * weight / sum;
        self.all.clear();
        self.all.extend(weights.clone().map(|weight| quota(weight) as u32));
        let mut over = count.saturating_sub(self.all.iter().sum());
        self.remainders.clear();
        self.remainders.extend(weights.map(|weight| quota(weight).fract()).enumerate());
        // The index decides among equal ones, so that the order is that of a stable sort.
        self.remainders.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for (part, _) in self.remainders.iter().cycle().take(over as usize) {
            self.all[*part] += 1;
            over -= 1;
        }
        debug_assert_eq!(over, 0);
    }

    /// What each of `copies` serves of `number` assignments of tokens on `source`: all where the token is, else equal shares among those in
    /// its node, else among all. What is left over goes to the copies after the source's own place, so that sources do not agree on one.
    fn nearest(&mut self, number: u32, source: GpuId, copies: &[GpuId], traffic: &Traffic) {
        let here = |gpu: &GpuId| traffic.is_local(source, *gpu);
        let near = |gpu: &GpuId| traffic.same_node(source, *gpu);
        self.from_one.clear();
        self.from_one.resize(copies.len(), 0);
        self.near.clear();
        match (copies.iter().position(here), copies.iter().any(near)) {
            (Some(place), _) => self.near.push(place),
            (None, true) => self.near.extend((0..copies.len()).filter(|place| near(&copies[*place]))),
            (None, false) => self.near.extend(0..copies.len()),
        }
        let parts = self.near.len();
        let (each, over) = (number / parts as u32, number as usize % parts);
        for (turn, place) in self.near.iter().enumerate() {
            let after_source = (turn + parts - source.index() % parts) % parts;
            self.from_one[*place] = each + u32::from(after_source < over);
        }
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
        let (mut dealt, mut split) = (Dealt::default(), Split::default());
        share_out((choice, &speeds), &counts, &placement, &origins, &mut traffic, &mut dealt, &mut split);
        (split, traffic)
    }

    #[test]
    fn every_assignment_is_served_once() {
        let copies = vec![vec![GpuId(0), GpuId(1), GpuId(2)], vec![GpuId(1)]];
        let (split, _) = shared(CopyChoice::Even, [0, 0, 0, 0, 0, 1, 1, 1], copies, [1.0; 4]);
        let served = |e, n| (ExpertId(e), n);
        let shares: Vec<_> = split.iter().collect();
        assert_eq!(shares, [&[served(0, 2)][..], &[served(0, 2), served(1, 3)], &[served(0, 1)], &[]]);
        assert_eq!(split.of_all(0..2), [served(0, 2), served(0, 2), served(1, 3)]);
    }

    #[test]
    fn by_speed_the_largest_remainders_get_what_is_left_over() {
        let mut dealt = Dealt::default();
        dealt.by_weight(10, [1.0, 1.0, 1.0].into_iter());
        assert_eq!(dealt.all, [4, 3, 3]);
        dealt.by_weight(7, [1.0, 2.0, 0.5].into_iter());
        assert_eq!(dealt.all, [2, 4, 1], "quotas 2, 4, 1");
        dealt.by_weight(5, [0.7, 1.3].into_iter());
        assert_eq!(dealt.all, [2, 3], "quotas 1.75, 3.25");
    }

    #[test]
    fn local_first_serves_at_home_then_in_the_node_then_anywhere() {
        // Tokens 0 and 1 are on GPU 0, 2 and 3 on GPU 1, ...: expert 0 has copies on GPUs 0 and 2.
        let copies = vec![vec![GpuId(0), GpuId(2)], vec![GpuId(3)]];
        let (split, traffic) = shared(CopyChoice::LocalFirst, [0, 0, 0, 0, 0, 0, 0, 1], copies, [1.0; 4]);
        // GPU 0 its own two and the two of GPU 1; GPU 2 its own two and the one of GPU 3.
        assert_eq!(split.of(0), [(ExpertId(0), 4)]);
        assert_eq!(split.of(2), [(ExpertId(0), 3)]);
        assert_eq!(traffic.local(), 5.0);
        assert_eq!(traffic.remote(ExpertId(0), GpuId(0)), 2.0);
        assert!(traffic.flows().iter().all(|flow| flow.out_far == 0.0 && flow.in_far == 0.0));
        let far = vec![vec![GpuId(2), GpuId(3)], vec![GpuId(3)]];
        let (split, _) = shared(CopyChoice::LocalFirst, [0, 0, 0, 1, 1, 1, 1, 1], far, [1.0; 4]);
        // GPU 0 begins with the first copy, GPU 1 with the second.
        assert_eq!((split.of(2)[0].1, split.of(3)[0].1), (1, 2));
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
