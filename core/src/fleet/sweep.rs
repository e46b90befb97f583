//! The physics of a whole fleet in one pass: every GPU one interval on.
//!
//! Columns of eight GPUs of one kind lie side by side, mode after mode, so that the pass is a stream of vector multiplications and
//! additions with the kind's numbers in registers. GPUs in the same state may share a column until something tells them apart.

use std::cmp::Reverse;
use std::sync::Arc;

use super::law::{Driven, PeriodHeat, StepLaw};
use crate::simd::dispatch;

/// GPUs of a block.
const LANES: usize = 8;

/// One number of each GPU of a block, in a cache line of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
struct Block([f64; LANES]);

/// What heats and cools a GPU from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Input {
    /// Power of everything but memory and leakage (W).
    pub compute_w: f64,
    /// Power of the memory (W).
    pub memory_w: f64,
    /// Temperature of the inlet (degC).
    pub inlet: f64,
}

/// Blocks that share a law.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    law: u32,
    /// First block.
    first: u32,
    /// Columns in use, from the first block's first lane on.
    columns: u32,
    /// Blocks kept for it.
    blocks: u32,
}

/// The thermal state of all GPUs, stepped in fixed intervals.
///
/// ```
/// use std::sync::Arc;
/// use isotherm_core::fleet::{Input, StepLaw, Sweep};
/// use isotherm_core::thermal::{LeakageLaw, LeakyModes, RcNetwork};
/// let network = RcNetwork::new(&[450.0], &[], &[5.0]).unwrap();
/// let network = LeakyModes::new(&network, &[], LeakageLaw::Linear).unwrap();
/// let laws: Arc<[StepLaw]> = Arc::new([StepLaw::new(&network, &[1.0], &[1.0], 0, 0.1)]);
/// let mut sweep = Sweep::new(laws, &[0; 100], Input { inlet: 25.0, ..Input::default() }, true);
/// assert_eq!(sweep.columns(), 1, "all alike");
/// sweep.set(7, Input { compute_w: 250.0, memory_w: 0.0, inlet: 25.0 });
/// for _ in 0..900 { sweep.step(); }
/// // 90 s are one time constant.
/// assert!((sweep.die(7) - (25.0 + 50.0 * (1.0 - (-1.0_f64).exp()))).abs() < 1e-9);
/// assert_eq!((sweep.columns(), sweep.die(8)), (2, sweep.die(99)));
/// ```
#[derive(Clone, Debug)]
pub struct Sweep {
    laws: Arc<[StepLaw]>,
    modes: usize,
    segments: Vec<Segment>,
    /// Modes of each block, `blocks x modes`.
    state: Vec<Block>,
    /// What an interval adds to each mode, `blocks x modes`.
    push: Vec<Block>,
    /// Temperature of each die (degC).
    die: Vec<Block>,
    /// Modes at the start of the period that is being accounted for.
    mark: Vec<Block>,
    input: Vec<Input>,
    /// Column of each GPU: block times lanes plus lane.
    column: Vec<u32>,
    /// Law of each GPU.
    law: Vec<u32>,
    /// GPUs of each column.
    members: Vec<u32>,
    /// GPUs whose new input waits for the next step, its turn among those that wait, and that input.
    waiting: Vec<(u32, u32, Input)>,
    peak: f64,
    scratch: Scratch,
}

/// Buffers that are filled anew by whoever needs them.
#[derive(Clone, Debug, Default)]
struct Scratch {
    /// Column and number of each GPU whose input waits, and that input.
    moves: Vec<(u32, u32, Input)>,
    /// The layout before the one that is being made: as [`Sweep`] has it.
    before: Before,
    /// GPUs in the order in which they are laid out.
    order: Vec<u32>,
    /// State and mark of one GPU, as its last law reads them and as its next one does.
    read: Vec<f64>,
    state: Vec<f64>,
    mark: Vec<f64>,
}

#[derive(Clone, Debug, Default)]
struct Before {
    state: Vec<Block>,
    mark: Vec<Block>,
    column: Vec<u32>,
    law: Vec<u32>,
}

impl Sweep {
    /// GPUs that follow `laws[law_of_gpu[gpu]]`, all at the temperature of the inlet of `start`. With `merge`, GPUs in one state are stepped
    /// once.
    ///
    /// Laws have equally many modes; there is at least one.
    #[must_use]
    pub fn new(laws: Arc<[StepLaw]>, law_of_gpu: &[u32], start: Input, merge: bool) -> Self {
        let modes = laws.first().map_or(0, StepLaw::modes);
        let gpus = law_of_gpu.len();
        let mut sweep = Self {
            laws,
            modes,
            segments: Vec::new(),
            state: Vec::new(),
            push: Vec::new(),
            die: Vec::new(),
            mark: Vec::new(),
            input: vec![start; gpus],
            column: Vec::new(),
            law: Vec::new(),
            members: Vec::new(),
            waiting: Vec::new(),
            peak: f64::NEG_INFINITY,
            scratch: Scratch::default(),
        };
        // At rest nothing leaks away and nothing warms: the state of the inlet's temperature everywhere.
        let states = |law: &StepLaw| law.at_temperature(start.inlet);
        let rest: Vec<Vec<f64>> = sweep.laws.iter().map(states).collect();
        sweep.lay_out(
            law_of_gpu,
            |gpu| if merge { 0 } else { gpu as u32 },
            |gpu, state, mark| {
                let at = &rest[law_of_gpu[gpu] as usize];
                state.copy_from_slice(at);
                mark.copy_from_slice(at);
            },
        );
        sweep
    }

    /// Number of GPUs.
    #[must_use]
    pub fn gpus(&self) -> usize {
        self.column.len()
    }

    /// Columns that are stepped: GPUs that share one count once.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.segments.iter().map(|segment| segment.columns as usize).sum()
    }

    /// Highest temperature of any die after any step (degC).
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.peak
    }

    /// What heats and cools a GPU from the next step on.
    pub fn set(&mut self, gpu: usize, input: Input) {
        if self.members[self.column[gpu] as usize] == 1 {
            self.input[gpu] = input;
            self.drive(gpu);
        } else {
            self.wait(gpu as u32, input);
        }
    }

    /// The input is taken at the next step, unless a later one comes before that.
    fn wait(&mut self, gpu: u32, input: Input) {
        self.waiting.push((gpu, self.waiting.len() as u32, input));
    }

    /// What heats and cools a GPU.
    #[must_use]
    pub fn input(&self, gpu: usize) -> Input {
        self.input[gpu]
    }

    /// Puts every GPU in the steady state of its input, of which there is one per GPU, now.
    pub fn settle(&mut self, inputs: &[Input]) {
        (0..).zip(inputs).for_each(|(gpu, input)| self.wait(gpu, *input));
        self.part();
        for gpu in 0..self.gpus() {
            let law = &self.laws[self.law[gpu] as usize];
            let Input { compute_w, memory_w, inlet } = self.input[gpu];
            let (block, lane) = place(self.column[gpu]);
            for mode in 0..self.modes {
                let y = law.steady(mode, compute_w, memory_w, inlet);
                self.state[block * self.modes + mode].0[lane] = y;
                self.mark[block * self.modes + mode].0[lane] = y;
            }
            self.read_die(self.column[gpu], self.law[gpu]);
            self.peak = self.peak.max(self.die(gpu));
        }
    }

    /// All GPUs one interval on.
    pub fn step(&mut self) {
        self.part();
        let (modes, laws) = (self.modes, &self.laws);
        let (state, push, die) = (&mut self.state, &self.push, &mut self.die);
        let segments = &self.segments;
        let mut peak = Block([self.peak; LANES]);
        dispatch(
            #[inline(always)]
            || {
                for segment in segments {
                    let law = &laws[segment.law as usize];
                    let (first, used) = (segment.first as usize, segment.columns as usize);
                    let (full, end) = (first + used / LANES, first + used.div_ceil(LANES));
                    let modes_of = |from: usize, to: usize| from * modes..to * modes;
                    let range = modes_of(first, full);
                    step_blocks(law, &mut state[range.clone()], &push[range], &mut die[first..full], &mut peak);
                    // Lanes that no GPU uses are no temperature of any.
                    let range = modes_of(full, end);
                    let mut unused = Block([f64::INFINITY; LANES]);
                    step_blocks(law, &mut state[range.clone()], &push[range], &mut die[full..end], &mut unused);
                    for lane in 0..used % LANES {
                        let celsius = die[full].0[lane];
                        peak.0[lane] = if celsius > peak.0[lane] { celsius } else { peak.0[lane] };
                    }
                }
            },
        );
        self.peak = peak.0.into_iter().fold(self.peak, f64::max);
    }

    /// Temperature of the die of a GPU (degC).
    #[inline]
    #[must_use]
    pub fn die(&self, gpu: usize) -> f64 {
        let (block, lane) = place(self.column[gpu]);
        self.die[block].0[lane]
    }

    /// Temperature of the memory of a GPU (degC).
    #[inline]
    #[must_use]
    pub fn memory(&self, gpu: usize) -> f64 {
        let (block, lane) = place(self.column[gpu]);
        let state = &self.state[block * self.modes..][..self.modes];
        self.laws[self.law[gpu] as usize].memory_temperature(state.iter().map(|y| y.0[lane]))
    }

    /// What a GPU leaks now (W).
    #[inline]
    #[must_use]
    pub fn leakage_watts(&self, gpu: usize) -> f64 {
        self.laws[self.law[gpu] as usize].leakage_watts(self.die(gpu))
    }

    /// Where the heat of the period since [`Sweep::mark`] went, for one GPU, in which its law and its inlet stayed.
    #[must_use]
    pub fn heat(&self, gpu: usize, driven: &Driven) -> PeriodHeat {
        let (block, lane) = place(self.column[gpu]);
        let range = block * self.modes..(block + 1) * self.modes;
        let ends = self.mark[range.clone()].iter().zip(&self.state[range]);
        self.laws[self.law[gpu] as usize].heat(driven, ends.map(|(start, end)| (start.0[lane], end.0[lane])))
    }

    /// Begins a period for [`Sweep::heat`].
    pub fn mark(&mut self) {
        self.part();
        self.mark.copy_from_slice(&self.state);
    }

    /// Gives GPUs other laws from now on. `change` says how a state of the first law reads in the second, into a buffer of as many modes;
    /// temperatures stay.
    pub fn assign(&mut self, law_of_gpu: &[u32], change: impl Fn(u32, u32, &[f64], &mut [f64])) {
        self.part();
        if law_of_gpu == self.law {
            return;
        }
        let (modes, mut before) = (self.modes, std::mem::take(&mut self.scratch.before));
        std::mem::swap(&mut before.state, &mut self.state);
        std::mem::swap(&mut before.mark, &mut self.mark);
        std::mem::swap(&mut before.column, &mut self.column);
        std::mem::swap(&mut before.law, &mut self.law);
        let mut read = std::mem::take(&mut self.scratch.read);
        read.resize(modes, 0.0);
        self.lay_out(
            law_of_gpu,
            |gpu| before.column[gpu],
            |gpu, state, mark| {
                let (old, new) = (before.law[gpu], law_of_gpu[gpu]);
                let (block, lane) = place(before.column[gpu]);
                for (blocks, out) in [(&before.state, state), (&before.mark, mark)] {
                    let found = blocks[block * modes..][..modes].iter();
                    read.iter_mut().zip(found).for_each(|(read, y)| *read = y.0[lane]);
                    if old == new { out.copy_from_slice(&read) } else { change(old, new, &read, out) }
                }
            },
        );
        (self.scratch.before, self.scratch.read) = (before, read);
    }

    /// Lays GPUs out by law: `key` says which of them were in one state, `of_gpu` writes that state and its mark. GPUs that do not merge differ
    /// in the key.
    fn lay_out(
        &mut self,
        law_of_gpu: &[u32],
        key: impl Fn(usize) -> u32,
        mut of_gpu: impl FnMut(usize, &mut [f64], &mut [f64]),
    ) {
        let gpus = law_of_gpu.len();
        let mut order = std::mem::take(&mut self.scratch.order);
        let mut state = std::mem::take(&mut self.scratch.state);
        let mut mark = std::mem::take(&mut self.scratch.mark);
        order.clear();
        order.extend(0..gpus as u32);
        order.sort_unstable_by_key(|gpu| (law_of_gpu[*gpu as usize], key(*gpu as usize), *gpu));
        self.law.clear();
        self.law.extend_from_slice(law_of_gpu);
        self.column.clear();
        self.column.resize(gpus, 0);
        self.segments.clear();
        let mut blocks = 0;
        for of_law in order.chunk_by(|a, b| law_of_gpu[*a as usize] == law_of_gpu[*b as usize]) {
            let most = of_law.len().div_ceil(LANES) as u32;
            self.segments.push(Segment {
                law: law_of_gpu[of_law[0] as usize],
                first: blocks,
                columns: 0,
                blocks: most,
            });
            blocks += most;
        }
        let empty = Block([0.0; LANES]);
        let (blocks, modes) = (blocks as usize, self.modes);
        for column in [&mut self.state, &mut self.push, &mut self.mark] {
            column.clear();
            column.resize(blocks * modes, empty);
        }
        self.die.clear();
        self.die.resize(blocks, empty);
        self.members.clear();
        self.members.resize(blocks * LANES, 0);
        state.resize(modes, 0.0);
        mark.resize(modes, 0.0);
        let merges = |gpu: u32| (law_of_gpu[gpu as usize], key(gpu as usize));
        let mut segment = 0;
        for same in order.chunk_by(|a, b| merges(*a) == merges(*b)) {
            let law = law_of_gpu[same[0] as usize];
            while self.segments[segment].law != law {
                segment += 1;
            }
            let column = self.open_column(segment);
            of_gpu(same[0] as usize, &mut state, &mut mark);
            let (block, lane) = place(column);
            for mode in 0..modes {
                self.state[block * modes + mode].0[lane] = state[mode];
                self.mark[block * modes + mode].0[lane] = mark[mode];
            }
            self.members[column as usize] = same.len() as u32;
            same.iter().for_each(|gpu| self.column[*gpu as usize] = column);
            self.read_die(column, law);
            self.drive(same[0] as usize);
        }
        (self.scratch.order, self.scratch.state, self.scratch.mark) = (order, state, mark);
    }

    /// A free column of a segment.
    fn open_column(&mut self, segment: usize) -> u32 {
        let segment = &mut self.segments[segment];
        let column = segment.first * LANES as u32 + segment.columns;
        segment.columns += 1;
        column
    }

    fn read_die(&mut self, column: u32, law: u32) {
        let (block, lane) = place(column);
        let law = &self.laws[law as usize];
        let state = &self.state[block * self.modes..][..self.modes];
        self.die[block].0[lane] = law.die.iter().zip(state).map(|(weight, y)| weight * y.0[lane]).sum();
    }

    /// Makes the push of a GPU's column that of its input.
    fn drive(&mut self, gpu: usize) {
        let law = &self.laws[self.law[gpu] as usize];
        let (block, lane) = place(self.column[gpu]);
        let Input { compute_w, memory_w, inlet } = self.input[gpu];
        for mode in 0..self.modes {
            self.push[block * self.modes + mode].0[lane] = law.push(mode, compute_w, memory_w, inlet);
        }
    }

    /// Gives the inputs that wait to their columns; a column whose GPUs do not agree any more falls apart.
    fn part(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        // The last input of a GPU counts.
        waiting.sort_unstable_by_key(|(gpu, turn, _)| (*gpu, Reverse(*turn)));
        waiting.dedup_by_key(|(gpu, ..)| *gpu);
        let bits = |input: &Input| [input.compute_w.to_bits(), input.memory_w.to_bits(), input.inlet.to_bits()];
        let mut moves = std::mem::take(&mut self.scratch.moves);
        moves.clear();
        moves.extend(waiting.iter().map(|(gpu, _, input)| (self.column[*gpu as usize], *gpu, *input)));
        moves.sort_unstable_by_key(|(column, gpu, input)| (*column, bits(input), *gpu));
        for of_column in moves.chunk_by(|a, b| a.0 == b.0) {
            let column = of_column[0].0;
            let all_wait = of_column.len() == self.members[column as usize] as usize;
            for (turn, alike) in of_column.chunk_by(|a, b| bits(&a.2) == bits(&b.2)).enumerate() {
                let (first, input) = (alike[0].1 as usize, alike[0].2);
                let keeps = if all_wait { turn == 0 } else { bits(&self.input[first]) == bits(&input) };
                if !keeps {
                    self.leave(column, alike);
                }
                alike.iter().for_each(|(_, gpu, _)| self.input[*gpu as usize] = input);
                self.drive(first);
            }
        }
        waiting.clear();
        (self.waiting, self.scratch.moves) = (waiting, moves);
    }

    /// Moves GPUs from a column to one of their own, in the same state.
    fn leave(&mut self, column: u32, gpus: &[(u32, u32, Input)]) {
        let law = self.law[gpus[0].1 as usize];
        let Some(segment) = self.segments.iter().position(|segment| segment.law == law) else { return };
        let own = self.open_column(segment);
        let ((from, from_lane), (to, to_lane)) = (place(column), place(own));
        for mode in 0..self.modes {
            let (from, to) = (from * self.modes + mode, to * self.modes + mode);
            self.state[to].0[to_lane] = self.state[from].0[from_lane];
            self.mark[to].0[to_lane] = self.mark[from].0[from_lane];
        }
        self.die[to].0[to_lane] = self.die[from].0[from_lane];
        self.members[column as usize] -= gpus.len() as u32;
        self.members[own as usize] = gpus.len() as u32;
        gpus.iter().for_each(|(_, gpu, _)| self.column[*gpu as usize] = own);
    }
}

/// Block and lane of a column.
#[inline(always)]
fn place(column: u32) -> (usize, usize) {
    (column as usize / LANES, column as usize % LANES)
}

/// Blocks of one law one interval on. Indices instead of iterators: those are calls inside vector code.
#[expect(clippy::needless_range_loop, reason = "loops over lanes become vector code as they stand")]
#[inline(always)]
fn step_blocks(law: &StepLaw, state: &mut [Block], push: &[Block], die: &mut [Block], peak: &mut Block) {
    let (modes, blocks) = (law.decay.len(), die.len());
    let (decay, weight) = (&law.decay[..modes], &law.die[..modes]);
    let (state, push) = (&mut state[..blocks * modes], &push[..blocks * modes]);
    let mut hottest = peak.0;
    for block in 0..blocks {
        let mut celsius = [0.0; LANES];
        for mode in 0..modes {
            let at = block * modes + mode;
            let (y, added) = (state[at].0, push[at].0);
            let mut next = [0.0; LANES];
            for lane in 0..LANES {
                next[lane] = decay[mode] * y[lane] + added[lane];
            }
            for lane in 0..LANES {
                celsius[lane] += weight[mode] * next[lane];
            }
            state[at].0 = next;
        }
        for lane in 0..LANES {
            hottest[lane] = if celsius[lane] > hottest[lane] { celsius[lane] } else { hottest[lane] };
        }
        die[block].0 = celsius;
    }
    peak.0 = hottest;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::law::tests::network;
    use super::*;

    fn laws() -> Arc<[StepLaw]> {
        let law =
            |memory: f64| StepLaw::new(&network(), &[1.0, 0.0, 0.0, 0.0], &[0.0, memory, 1.0 - memory, 0.0], 1, 0.1);
        Arc::new([law(1.0), law(0.5)])
    }

    fn input(watts: u32, inlet: u32) -> Input {
        Input { compute_w: f64::from(watts), memory_w: 40.0, inlet: f64::from(inlet) }
    }

    /// Everything there is to read of a fleet, bit by bit.
    fn readings(sweep: &Sweep) -> Vec<[u64; 3]> {
        let of = |gpu| [sweep.die(gpu), sweep.memory(gpu), sweep.leakage_watts(gpu)].map(f64::to_bits);
        (0..sweep.gpus()).map(of).collect()
    }

    proptest! {
        /// Whatever is done to a fleet in whatever order, GPUs that share a column are as they would be alone.
        #[test]
        fn merging_changes_no_bit(
            law_of_gpu in prop::collection::vec(0_u32..2, 1..60),
            actions in prop::collection::vec((0_usize..60, 0_u32..3, 20_u32..22, 0_u32..5), 1..80),
        ) {
            let start = Input { inlet: 20.0, ..Input::default() };
            let mut both = [true, false].map(|merge| Sweep::new(laws(), &law_of_gpu, start, merge));
            prop_assert!(both[0].columns() <= 2);
            prop_assert_eq!(both[1].columns(), law_of_gpu.len());
            for (gpu, watts, inlet, action) in actions {
                let gpu = gpu % law_of_gpu.len();
                for sweep in &mut both {
                    match action {
                        0 => sweep.step(),
                        1 => (0..sweep.gpus()).for_each(|gpu| sweep.set(gpu, input(watts, inlet))),
                        2 => sweep.mark(),
                        3 => {
                            let other: Vec<u32> = (0..sweep.gpus()).map(|other| sweep.law[other] ^ u32::from(other == gpu)).collect();
                            sweep.assign(&other, |_, _, state, out| out.copy_from_slice(state));
                        }
                        _ => sweep.set(gpu, input(watts, inlet)),
                    }
                }
                prop_assert_eq!(both[0].peak().to_bits(), both[1].peak().to_bits());
            }
            both.iter_mut().for_each(Sweep::step);
            prop_assert_eq!(readings(&both[0]), readings(&both[1]));
            let driven = Driven { compute_j: 3.0, memory_j: 1.0, inlet: 20.0, seconds: 0.1 };
            for gpu in 0..law_of_gpu.len() {
                prop_assert_eq!(both[0].heat(gpu, &driven), both[1].heat(gpu, &driven));
            }
        }
    }

    #[test]
    fn a_fleet_that_starts_warm_stays_as_it_is() {
        let mut sweep = Sweep::new(laws(), &[0, 1, 0, 0], Input { inlet: 20.0, ..Input::default() }, true);
        let inputs = [input(300, 25), input(300, 25), input(300, 25), input(500, 25)];
        sweep.settle(&inputs);
        assert_eq!(sweep.columns(), 3);
        let before = [sweep.die(0), sweep.die(1), sweep.die(2), sweep.die(3)];
        (0..1000).for_each(|_| sweep.step());
        for (gpu, before) in before.into_iter().enumerate() {
            assert!((sweep.die(gpu) - before).abs() < 1e-9, "{gpu}");
        }
        assert!((sweep.peak() - sweep.die(3)).abs() < 1e-9);
    }
}
