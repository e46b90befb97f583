//! The wheel serves every schedule in exactly the order of the heap: by time, equal times by push.

use isotherm_core::queue::{BinaryHeapQueue, EventQueue, Wheel};
use isotherm_core::time::{SimDuration, SimTime};
use proptest::prelude::*;

/// Events of a storm: a quadratic queue moves billions of them.
const STORM: u64 = 200_000;

/// What a simulator may do with its queue; times count from the last popped one.
#[derive(Clone, Debug)]
enum Step {
    Push(u64),
    /// So many pushes at one instant, as a telemetry poll of many devices makes.
    Burst(u64, u16),
    /// So many pushes, each this much later than the one before.
    Ramp(u64, u16),
    /// A push before the last popped time.
    PushBack(u64),
    /// At this instant, wherever the run is.
    PushAt(u64),
    Pop(u8),
    /// Pops everything at the earliest instant, the way the engine does.
    PopInstant,
    /// Asks for an event that much after the last popped time.
    PopAt(u64),
    /// Keeps the events whose number leaves a rest by this divisor.
    Retain(u64),
    /// Continues on a clone.
    Fork,
    /// Saves in order of service, and loads into a new queue.
    Reload,
}

/// Both queues under the same steps; every answer is compared.
#[derive(Default)]
struct Pair {
    wheel: Wheel<(u64, u64)>,
    heap: BinaryHeapQueue<(u64, u64)>,
    now: SimTime,
    pushed: u64,
}

impl Pair {
    fn push(&mut self, at: SimTime) {
        // The number is stored twice, so that an event torn apart would show.
        let event = (self.pushed, !self.pushed);
        self.pushed += 1;
        self.wheel.push(at, event);
        self.heap.push(at, event);
    }

    fn after(&self, nanos: u64) -> SimTime {
        self.now + SimDuration::from_nanos(nanos)
    }

    fn pop(&mut self) -> bool {
        assert_eq!(self.wheel.peek_time(), self.heap.peek_time());
        let popped = self.wheel.pop();
        assert_eq!(popped, self.heap.pop());
        assert_eq!(self.wheel.len(), self.heap.len());
        self.now = popped.map_or(self.now, |(at, _)| at);
        popped.is_some()
    }

    fn pop_at(&mut self, at: SimTime) -> bool {
        let popped = self.wheel.pop_at(at);
        assert_eq!(popped, self.heap.pop_at(at));
        assert_eq!(self.wheel.len(), self.heap.len());
        if popped.is_some() {
            self.now = at;
        }
        popped.is_some()
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Push(nanos) => self.push(self.after(nanos)),
            Step::Burst(nanos, count) => (0..count).for_each(|_| self.push(self.after(nanos))),
            Step::Ramp(nanos, count) => {
                (0..u64::from(count)).for_each(|i| self.push(self.after(nanos.saturating_mul(i))));
            }
            Step::PushBack(nanos) => {
                self.push(SimTime::from_nanos(self.now.nanos().saturating_sub(nanos)));
            }
            Step::PushAt(nanos) => self.push(SimTime::from_nanos(nanos)),
            Step::Pop(count) => (0..count).for_each(|_| _ = self.pop()),
            Step::PopInstant => {
                if let Some(at) = self.heap.peek_time() {
                    while self.pop_at(at) {}
                }
            }
            Step::PopAt(nanos) => _ = self.pop_at(self.after(nanos)),
            Step::Retain(divisor) => {
                self.wheel.retain(|_, event| event.0 % divisor > 0);
                self.heap.retain(|_, event| event.0 % divisor > 0);
            }
            Step::Fork => self.wheel = self.wheel.clone(),
            Step::Reload => self.wheel = reload(&self.wheel),
        }
        assert_eq!(self.wheel.len(), self.heap.len());
        assert_eq!(self.wheel.peek_time(), self.heap.peek_time());
    }

    fn drain(&mut self) {
        assert_eq!(self.wheel.to_sorted(), self.heap.to_sorted());
        while self.pop() {}
        assert!(self.wheel.is_empty() && self.wheel.to_sorted().is_empty());
    }
}

fn reload<E: Copy, Q: EventQueue<E>>(queue: &Q) -> Q {
    let mut loaded = Q::default();
    queue.to_sorted().into_iter().for_each(|(at, event)| loaded.push(at, event));
    loaded
}

/// 0, `u64::MAX`, and powers of 64 with their neighbours: where a digit of the wheel turns over.
fn edges() -> Vec<u64> {
    let powers = (0..11).map(|digit| 1_u64 << (6 * digit));
    powers.flat_map(|power| [power - 1, power, power + 1]).chain([0, u64::MAX - 1, u64::MAX]).collect()
}

fn increments() -> impl Strategy<Value = BoxedStrategy<u64>> {
    let exponential = |mean: f64| (1e-12..1.0_f64).prop_map(move |u: f64| (-u.ln() * mean) as u64);
    let bimodal = prop_oneof![9 => 0..2_000_u64, 1 => 1_000_000_000..1_000_100_000_u64];
    let magnitudes = (0..64_u32, any::<u64>()).prop_map(|(bits, value)| value >> bits);
    prop_oneof![
        (1.0..1e9_f64).prop_map(move |mean| exponential(mean).boxed()),
        (0..1_000_000_u64).prop_map(|constant| Just(constant).boxed()),
        Just(bimodal.boxed()),
        Just(magnitudes.boxed()),
        Just((0..3_u64).boxed()),
        Just(prop::sample::select(edges()).boxed()),
    ]
}

fn step(increment: BoxedStrategy<u64>) -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => increment.clone().prop_map(Step::Push),
        4 => (increment.clone(), 1..400_u16).prop_map(|(nanos, count)| Step::Burst(nanos, count)),
        3 => (increment.clone(), 1..400_u16).prop_map(|(nanos, count)| Step::Ramp(nanos, count)),
        20 => (1..40_u8).prop_map(Step::Pop),
        4 => Just(Step::PopInstant),
        4 => increment.clone().prop_map(Step::PopAt),
        1 => (2..5_u64).prop_map(Step::Retain),
        1 => Just(Step::Fork),
        1 => Just(Step::Reload),
    ]
}

/// A schedule that never goes back, with one distribution of increments.
fn monotone() -> impl Strategy<Value = Vec<Step>> {
    increments().prop_flat_map(|increment| prop::collection::vec(step(increment), 1..200))
}

/// The same with every distribution at once, and with pushes before the last popped time.
fn any_order() -> impl Strategy<Value = Vec<Step>> {
    let steps = (increments(), increments()).prop_flat_map(|(one, two)| {
        let mixed = prop_oneof![
            8 => step(one.clone()),
            8 => step(two),
            1 => one.prop_map(Step::PushBack),
            1 => prop::sample::select(edges()).prop_map(Step::PushAt),
        ];
        prop::collection::vec(mixed, 1..200)
    });
    steps.boxed()
}

fn check(steps: &[Step]) {
    let mut pair = Pair::default();
    steps.iter().for_each(|step| pair.apply(step));
    pair.drain();
    // A queue that ran empty is as good as a new one, at any time.
    steps.iter().rev().for_each(|step| pair.apply(step));
    pair.drain();
}

proptest! {
    #[test]
    fn wheel_and_heap_agree_on_monotone_schedules(steps in monotone()) {
        check(&steps);
    }

    #[test]
    fn wheel_and_heap_agree_when_time_goes_back(steps in any_order()) {
        check(&steps);
    }
}

#[test]
fn every_pair_of_edges_is_in_order() {
    for start in edges() {
        let mut pair = Pair::default();
        pair.push(SimTime::from_nanos(start));
        assert!(pair.pop());
        for _ in 0..2 {
            edges().into_iter().for_each(|edge| pair.push(SimTime::from_nanos(edge)));
        }
        pair.drain();
    }
}

/// Here one digit turns over, so that a wheel finds both events of `under_way` in one small bucket.
const START: u64 = 1 << 24;

/// A pair whose wheel sorts in at once what is pushed between the last popped and the pending event.
fn under_way() -> Pair {
    let mut pair = Pair::default();
    pair.push(SimTime::from_nanos(START));
    pair.push(SimTime::from_nanos(START + 16_000_000));
    assert!(pair.pop());
    pair
}

#[test]
fn a_storm_of_ties_is_not_quadratic() {
    let mut pair = under_way();
    // Two instants in turn, so that half of the storm lies behind the place of every other push.
    for i in 0..STORM {
        pair.push(pair.after([5_000_000, 9_000_000][i as usize % 2]));
    }
    pair.drain();
}

#[test]
fn a_storm_of_zero_delays_is_not_quadratic() {
    let mut pair = Pair::default();
    (0..1_000).for_each(|_| pair.push(SimTime::from_nanos(77)));
    for _ in 0..STORM {
        assert!(pair.pop());
        pair.push(pair.now);
    }
    pair.drain();
}

#[test]
fn a_storm_into_the_near_future_is_not_quadratic() {
    let times: [fn(u64) -> u64; 3] =
        [|i| 2_000_000 - i, |i| 1_000_000 + i, |i| 1_000 + i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 2_000_000];
    for time in times {
        let mut pair = under_way();
        (0..STORM).for_each(|i| pair.push(pair.after(time(i))));
        pair.drain();
    }
}

#[test]
fn a_storm_of_pushes_into_the_past_is_not_quadratic() {
    let mut pair = Pair::default();
    (0..STORM).for_each(|_| pair.push(SimTime::from_nanos(1 << 40)));
    assert!(pair.pop());
    (0..STORM).for_each(|i| pair.push(SimTime::from_nanos((1 << 40) - 3 * i)));
    pair.drain();
}

#[test]
fn a_save_inside_a_tie_changes_nothing() {
    for popped in [0, 1, 63, 64, 65, 500] {
        let mut pair = Pair::default();
        for at in [9, 5, 9, 1] {
            (0..300).for_each(|_| pair.push(SimTime::from_nanos(at)));
        }
        (0..popped).for_each(|_| assert!(pair.pop()));
        pair.apply(&Step::Reload);
        (0..10).for_each(|_| pair.push(SimTime::from_nanos(5)));
        pair.heap = reload(&pair.heap);
        pair.drain();
    }
}
