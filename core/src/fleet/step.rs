//! One step of one group: all of its layers, one after the other, from counts to time and energy of every GPU.
//!
//! A layer ends when its slowest GPU ends; GPUs that wait for it draw what waiting draws. Tokens are spread evenly over the GPUs of their
//! group, and every copy of an expert gets the same mixture of them, so what crosses between GPUs follows from the shares in closed form.

use super::work::{Pace, WorkTables};
use crate::cost::{DeviceCost, Flow};
use crate::hardware::kernel::Draw;
use crate::placement::Placement;

/// Where the copies of a group's experts are, GPU by GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    /// Where the slots of each GPU begin; one entry more than GPUs.
    first: Vec<u32>,
    /// Slot of every copy, expert after expert.
    of_copy: Vec<u32>,
    /// Where the copies of each expert begin in `of_copy`; one entry more than experts.
    first_copy: Vec<u32>,
    /// The GPU of each slot.
    gpu_of_slot: Vec<u32>,
    /// The most experts of any GPU.
    most: u32,
}

impl Slots {
    pub(super) fn of(placement: &Placement, gpus: usize) -> Self {
        let (first_copy, homes) = placement.offsets();
        let mut first = vec![0_u32; gpus + 1];
        homes.iter().for_each(|gpu| first[gpu.index() + 1] += 1);
        let most = first.iter().copied().max().unwrap_or(0);
        for gpu in 0..gpus {
            first[gpu + 1] += first[gpu];
        }
        let mut next = first.clone();
        let slot = |gpu: &crate::id::GpuId| {
            let slot = next[gpu.index()];
            next[gpu.index()] += 1;
            slot
        };
        let slots_of = |gpu: usize| std::iter::repeat_n(gpu as u32, (first[gpu + 1] - first[gpu]) as usize);
        let gpu_of_slot = (0..gpus).flat_map(slots_of).collect();
        Self { gpu_of_slot, of_copy: homes.iter().map(slot).collect(), first_copy: first_copy.to_vec(), first, most }
    }

    /// Number of GPUs.
    fn gpus(&self) -> usize {
        self.first.len() - 1
    }

    /// Shares every expert's assignments out equally among its copies, what is left over to the first ones.
    fn share_out(&self, counts: &[u32], slots: &mut [u32]) {
        for (count, copies) in counts.iter().zip(self.first_copy.windows(2)) {
            let copies = &self.of_copy[copies[0] as usize..copies[1] as usize];
            if let [only] = copies {
                slots[*only as usize] = *count;
                continue;
            }
            let (each, over) = (count / copies.len() as u32, count % copies.len() as u32);
            for (turn, slot) in (0..).zip(copies) {
                slots[*slot as usize] = each + u32::from(turn < over);
            }
        }
    }
}

/// What stays the same in all steps of a fleet.
#[derive(Clone, Debug)]
pub(super) struct StepSpec {
    pub(super) cost: DeviceCost,
    pub(super) slots: Slots,
    /// GPUs of a node.
    pub(super) gpus_of_node: usize,
    /// Rate of memory that is slowed down, relative to its full rate.
    pub(super) slow_memory: f64,
}

/// A step under way: what the layers so far took. Rewritten by every stretch, part of no saved state.
#[derive(Clone, Debug)]
pub(super) struct Step {
    tables: WorkTables,
    slot_counts: Vec<u32>,
    /// Assignments of each GPU in the layer that was added last.
    share: Vec<u32>,
    /// Time of each GPU for them (s).
    share_seconds: Vec<f64>,
    share_bytes: Vec<f64>,
    /// Energy of the work in it (J), where somebody asked.
    share_joules: Vec<f64>,
    /// Sums over the layers: assignments, those of the whole node, bytes, time at work or in the exchange (s).
    rows: Vec<u64>,
    node_rows: Vec<u64>,
    bytes: Vec<f64>,
    busy: Vec<f64>,
    assignments: u64,
    /// Length of the step so far (s).
    pub(super) seconds: f64,
    paces: Vec<Pace>,
    /// The paces there are, each once.
    distinct: Vec<Pace>,
}

/// Mean power of a GPU over a step (W).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Power {
    pub(super) draw: Draw,
    /// The part of it that work and exchange are, without waiting.
    pub(super) work_w: f64,
}

impl Step {
    pub(super) fn new(spec: &StepSpec) -> Self {
        let gpus = spec.slots.gpus();
        Self {
            tables: WorkTables::new(&spec.cost),
            slot_counts: vec![0; spec.slots.of_copy.len()],
            share: vec![0; gpus],
            share_seconds: vec![0.0; gpus],
            share_bytes: vec![0.0; gpus],
            share_joules: vec![0.0; gpus],
            rows: vec![0; gpus],
            node_rows: vec![0; gpus.div_ceil(spec.gpus_of_node)],
            bytes: vec![0.0; gpus],
            busy: vec![0.0; gpus],
            assignments: 0,
            seconds: 0.0,
            paces: Vec::new(),
            distinct: Vec::new(),
        }
    }

    /// Begins a step of GPUs at these paces.
    pub(super) fn begin(&mut self, paces: impl Iterator<Item = Pace>) {
        self.paces.clear();
        self.paces.extend(paces);
        self.distinct.clear();
        for pace in &self.paces {
            // Few differ, and neighbours seldom do.
            if !self.distinct.iter().rev().any(|known| known == pace) {
                self.distinct.push(*pace);
            }
        }
        self.rows.fill(0);
        self.node_rows.fill(0);
        self.bytes.fill(0.0);
        self.busy.fill(0.0);
        (self.assignments, self.seconds) = (0, 0.0);
    }

    /// Adds a layer whose experts serve `counts`; its work starts `delay` (s) after its routing.
    pub(super) fn layer(&mut self, spec: &StepSpec, counts: &[u32], delay: f64) {
        spec.slots.share_out(counts, &mut self.slot_counts);
        let slowest = if spec.slots.most <= 1 { self.one_each(spec) } else { self.several_each(spec) };
        let fixed = delay + spec.cost.exchange_seconds(&[self.busiest(spec)]);
        for (busy, seconds) in self.busy.iter_mut().zip(&self.share_seconds) {
            *busy += fixed + seconds;
        }
        for (sum, bytes) in self.bytes.iter_mut().zip(&self.share_bytes) {
            *sum += bytes;
        }
        for (sum, share) in self.rows.iter_mut().zip(&self.share) {
            *sum += u64::from(*share);
        }
        self.seconds += fixed + slowest;
    }

    /// Shares of GPUs that hold one expert at most; the longest time of any (s).
    fn one_each(&mut self, spec: &StepSpec) -> f64 {
        let most = self.slot_counts.iter().copied().max().unwrap_or(0);
        self.tables.reach(most, &self.distinct, spec.slow_memory);
        let bytes = self.tables.bytes();
        let mut slowest = 0.0;
        for gpu in 0..self.share.len() {
            let (from, to) = (spec.slots.first[gpu], spec.slots.first[gpu + 1]);
            let count = if from < to { self.slot_counts[from as usize] } else { 0 };
            let seconds = self.tables.seconds(self.paces[gpu])[count as usize];
            self.share[gpu] = count;
            self.share_seconds[gpu] = seconds;
            self.share_bytes[gpu] = bytes[count as usize];
            slowest = if seconds > slowest { seconds } else { slowest };
        }
        slowest
    }

    /// Shares of GPUs that hold several experts; the longest time of any (s).
    fn several_each(&mut self, spec: &StepSpec) -> f64 {
        let mut slowest = 0.0;
        for gpu in 0..self.share.len() {
            let counts = &self.slot_counts[spec.slots.first[gpu] as usize..spec.slots.first[gpu + 1] as usize];
            let (seconds, bytes) = self.tables.of(counts, self.paces[gpu], spec.slow_memory);
            self.share[gpu] = counts.iter().sum();
            self.share_seconds[gpu] = seconds;
            self.share_bytes[gpu] = bytes;
            slowest = if seconds > slowest { seconds } else { slowest };
        }
        slowest
    }

    /// Adds the layer's assignments up by node, and says what crosses the busiest port of each kind: all that the time of an exchange
    /// depends on.
    fn busiest(&mut self, spec: &StepSpec) -> Flow {
        let gpus = self.share.len();
        let all: u64 = self.share.iter().map(|share| u64::from(*share)).sum();
        self.assignments += all;
        let mut busiest = Flow::default();
        let mut most = |slot: fn(&mut Flow) -> &mut f64, number: f64| {
            let slot = slot(&mut busiest);
            *slot = if number > *slot { number } else { *slot };
        };
        if gpus > 1 {
            for (of_node, shares) in self.node_rows.iter_mut().zip(self.share.chunks(spec.gpus_of_node)) {
                let sum: u64 = shares.iter().map(|share| u64::from(*share)).sum();
                *of_node += sum;
                let least = f64::from(shares.iter().copied().min().unwrap_or(0));
                let largest = f64::from(shares.iter().copied().max().unwrap_or(0));
                let of_least = crossing(all as f64, sum as f64, least, shares.len(), gpus);
                let of_largest = crossing(all as f64, sum as f64, largest, shares.len(), gpus);
                most(|flow| &mut flow.out_near, of_least.out_near);
                most(|flow| &mut flow.out_far, of_least.out_far);
                most(|flow| &mut flow.in_near, of_largest.in_near);
                most(|flow| &mut flow.in_far, of_largest.in_far);
            }
        }
        busiest
    }

    /// Assignments of each GPU in all layers so far.
    pub(super) fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// Mean power of every GPU over the step.
    pub(super) fn powers(&self, spec: &StepSpec, out: &mut Vec<Power>) {
        let gpus = self.share.len();
        out.clear();
        if self.seconds <= 0.0 {
            let idle = |pace: &Pace| Power { draw: self.tables.base(*pace), work_w: 0.0 };
            out.extend(self.paces.iter().map(idle));
            return;
        }
        let waiting = if gpus > 1 { spec.cost.waiting().total() } else { 0.0 };
        for gpu in 0..gpus {
            let node = gpu / spec.gpus_of_node;
            let of_node = spec.gpus_of_node.min(gpus - node * spec.gpus_of_node);
            let (all, of_all) = (self.assignments as f64, self.node_rows[node] as f64);
            let flow = match gpus {
                1 => Flow::default(),
                _ => crossing(all, of_all, self.rows[gpu] as f64, of_node, gpus),
            };
            let exchange = spec.cost.exchange_joules(&flow);
            let pace = self.paces[gpu];
            let (compute, memory) = self.tables.joules(self.rows[gpu] as f64, self.bytes[gpu], pace);
            let compute = compute + exchange;
            let waited = waiting * (self.seconds - self.busy[gpu]).max(0.0);
            let work = Draw { compute_w: (compute + waited) / self.seconds, memory_w: memory / self.seconds };
            out.push(Power { draw: self.tables.base(pace) + work, work_w: (compute + memory) / self.seconds });
        }
    }

    /// Energy (J) and time (s) of the work of each expert in the layer that was added last: what its copies took. GPUs with several experts
    /// divide theirs by assignments. What crosses between GPUs is not in it.
    pub(super) fn of_experts(&mut self, spec: &StepSpec, joules: &mut [f64], seconds: &mut [f64]) {
        for gpu in 0..self.share.len() {
            let (compute, memory) =
                self.tables.joules(f64::from(self.share[gpu]), self.share_bytes[gpu], self.paces[gpu]);
            self.share_joules[gpu] = compute + memory;
        }
        for (expert, copies) in spec.slots.first_copy.windows(2).enumerate() {
            let (mut sum_j, mut sum_s) = (0.0, 0.0);
            for slot in &spec.slots.of_copy[copies[0] as usize..copies[1] as usize] {
                let gpu = spec.slots.gpu_of_slot[*slot as usize] as usize;
                let part = f64::from(self.slot_counts[*slot as usize]) / f64::from(self.share[gpu].max(1));
                sum_j += part * self.share_joules[gpu];
                sum_s += part * self.share_seconds[gpu];
            }
            (joules[expert], seconds[expert]) = (sum_j, sum_s);
        }
    }
}

/// What leaves and enters a GPU that serves `own` of `all` assignments, in a node of `of_node` GPUs that serves `node`: of everything a GPU
/// serves, an equal part is from the tokens of each of the `gpus` GPUs.
fn crossing(all: f64, node: f64, own: f64, of_node: usize, gpus: usize) -> Flow {
    let part = 1.0 / gpus as f64;
    let near = of_node as f64;
    Flow {
        out_near: (node - own) * part,
        out_far: (all - node) * part,
        in_near: own * (near - 1.0) * part,
        in_far: own * (gpus as f64 - near) * part,
    }
}
