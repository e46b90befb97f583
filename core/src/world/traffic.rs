//! Where the assignments of a layer come from, and what crosses between GPUs to reach the copies that serve them.

use crate::cost::Flow;
use crate::dispatch::TokenSources;
use crate::id::{ExpertId, GpuId};
use crate::routing::DROPPED;

/// Where the assignments of every expert come from. Rewritten by every layer, part of no saved state.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins {
    /// Per expert: GPUs whose tokens chose it, by rising number, and how many assignments they have there.
    of: Vec<Vec<(GpuId, u32)>>,
    /// Scratch: tokens of every GPU, and what rounding down has left of an expert's assignments there.
    held: Vec<u64>,
    remainders: Vec<(std::cmp::Reverse<u64>, usize, usize)>,
}

impl Origins {
    /// Counts the chosen `experts`, `tokens x top_k`, by the GPUs of their tokens.
    pub(super) fn collect(&mut self, chosen: &[u32], top_k: usize, experts: usize, sources: TokenSources<'_>) {
        self.of.resize_with(experts, Vec::new);
        self.of.iter_mut().for_each(Vec::clear);
        let tokens = chosen.len() / top_k.max(1);
        for (token, row) in chosen.chunks_exact(top_k.max(1)).enumerate() {
            let source = sources.of(token, tokens);
            for expert in row.iter().filter(|expert| **expert != DROPPED) {
                // Tokens come in the order of their GPUs.
                match self.of[*expert as usize].last_mut() {
                    Some((last, number)) if *last == source => *number += 1,
                    _ => self.of[*expert as usize].push((source, 1)),
                }
            }
        }
    }

    /// Takes them from what each GPU's own tokens chose, `GPUs x experts`.
    pub(super) fn copy(&mut self, by_gpu: &[u32], experts: usize, sources: TokenSources<'_>) {
        self.of.resize_with(experts, Vec::new);
        self.of.iter_mut().for_each(Vec::clear);
        for (gpu, counts) in sources.gpus().iter().zip(by_gpu.chunks_exact(experts.max(1))) {
            for (of, count) in self.of.iter_mut().zip(counts).filter(|(_, count)| **count > 0) {
                of.push((*gpu, *count));
            }
        }
    }

    /// Spreads the assignments of every expert over the GPUs in proportion to their tokens: whole numbers, what cannot be shared equally to the
    /// largest remainders. Among equal ones the turn goes round with the expert, so that no GPU is always the one that has more.
    pub(super) fn spread(&mut self, counts: &[u32], tokens: u32, sources: TokenSources<'_>) {
        self.of.resize_with(counts.len(), Vec::new);
        let gpus = sources.gpus();
        self.held.clear();
        self.held.extend(sources.held(tokens).map(u64::from));
        let all = u64::from(tokens).max(1);
        for (expert, (of, count)) in self.of.iter_mut().zip(counts).enumerate() {
            of.clear();
            self.remainders.clear();
            let mut over = u64::from(*count);
            for (place, (gpu, held)) in gpus.iter().zip(&self.held).enumerate() {
                let share = u64::from(*count) * held;
                of.push((*gpu, (share / all) as u32));
                over -= share / all;
                let turn = (place + expert) % gpus.len();
                self.remainders.push((std::cmp::Reverse(share % all), turn, place));
            }
            if over > 0 {
                self.remainders.sort_unstable();
            }
            self.remainders.iter().take(over as usize).for_each(|(.., place)| of[*place].1 += 1);
            of.retain(|(_, number)| *number > 0);
        }
    }

    /// The GPUs whose tokens chose `expert`, and how many assignments each has there.
    pub(super) fn of(&self, expert: ExpertId) -> &[(GpuId, u32)] {
        &self.of[expert.index()]
    }
}

/// What crosses between GPUs in a layer, one way. Rewritten by every layer, part of no saved state.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic {
    flows: Vec<Flow>,
    /// Assignments served on another GPU than their token's, `experts x GPUs`, only those that there are: (expert, GPU, number).
    remote: Vec<(ExpertId, GpuId, f64)>,
    local: f64,
    parallel: usize,
    gpus_per_node: usize,
}

impl Traffic {
    /// Nothing crosses yet between `gpus` GPUs, of which `parallel` share every expert.
    pub(super) fn clear(&mut self, gpus: usize, parallel: usize, gpus_per_node: usize) {
        self.flows.clear();
        self.flows.resize(gpus, Flow::default());
        self.remote.clear();
        self.local = 0.0;
        (self.parallel, self.gpus_per_node) = (parallel.max(1), gpus_per_node.max(1));
    }

    pub(super) fn gpus(&self) -> usize {
        self.flows.len()
    }

    /// Whether a copy on `home` is where the tokens of `source` are: on the same GPU, or slices of it are.
    pub(super) fn is_local(&self, source: GpuId, home: GpuId) -> bool {
        source.index() / self.parallel == home.index() / self.parallel
    }

    pub(super) fn same_node(&self, a: GpuId, b: GpuId) -> bool {
        a.index() / self.gpus_per_node == b.index() / self.gpus_per_node
    }

    /// So many assignments of `expert` go from `source` to its copy on `home`.
    pub(super) fn serve(&mut self, expert: ExpertId, source: GpuId, home: GpuId, number: f64) {
        if number == 0.0 {
            return;
        }
        if self.is_local(source, home) {
            self.local += number;
        } else {
            match self.remote.last_mut() {
                Some((last, gpu, sum)) if *last == expert && *gpu == home => *sum += number,
                _ => self.remote.push((expert, home, number)),
            }
        }
        let first = home.index() / self.parallel * self.parallel;
        for member in first..(first + self.parallel).min(self.flows.len()) {
            if member == source.index() {
                continue;
            }
            // A token leaves once, whoever shares its expert; each of them gets it.
            let near = self.same_node(source, GpuId(member as u32));
            let (out, into) = (number / self.parallel as f64, number);
            self.flows[source.index()].add_out(near, out);
            self.flows[member].add_in(near, into);
        }
    }

    /// What leaves and enters every GPU (assignments).
    pub(super) fn flows(&self) -> &[Flow] {
        &self.flows
    }

    /// Assignments served where their token is.
    pub(super) fn local(&self) -> f64 {
        self.local
    }

    /// Assignments that the copy of `expert` on `home` serves for tokens of other GPUs.
    #[cfg(test)]
    pub(super) fn remote(&self, expert: ExpertId, home: GpuId) -> f64 {
        (self.remote.iter().filter(|(e, gpu, _)| (*e, *gpu) == (expert, home))).map(|(.., number)| number).sum()
    }

    /// The same for all copies, in no particular grouping: (expert, GPU, assignments).
    pub(super) fn all_remote(&self) -> &[(ExpertId, GpuId, f64)] {
        &self.remote
    }
}
