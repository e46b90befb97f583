//! The hold model through whole engines: N events that each update the state of an entity and schedule themselves again.
//!
//! All engines draw the same increments from one table in the order of their events, so all handle the same events at the
//! same instants; a checksum over (time, entity) proves it. One slice of simulated time is measured after another, the
//! engines taking turns, each continuing where it stopped.
//!
//! `hold [--reps 7] [--json]`

mod isotherm;
mod nexosim_peer;
mod simcore_peer;

use isotherm_compare::{Spread, flag, option, seconds};
use isotherm_core::queue::{BinaryHeapQueue, Wheel};

/// Mean of the increments [ns]: far enough apart that 1e6 pending events hardly ever tie.
const MEAN_NS: f64 = 1e9;

/// Exponential increments [ns], drawn beforehand: logarithms are not what is measured.
pub(crate) const TABLE: usize = 1 << 15;

/// State of one entity.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Entity {
    count: u64,
    sum: u64,
}

/// What every engine's handler does; only delivery and scheduling differ.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Entities {
    entities: Vec<Entity>,
    table: Vec<u64>,
    drawn: usize,
    pub(crate) handled: u64,
    pub(crate) checksum: u64,
}

impl Entities {
    fn new(entities: usize, table: &[u64]) -> Self {
        Self { entities: vec![Entity::default(); entities], table: table.to_vec(), ..Self::default() }
    }

    pub(crate) fn len(&self) -> u32 {
        self.entities.len() as u32
    }

    /// The next increment [ns].
    #[inline(always)]
    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.table[self.drawn % TABLE]
    }

    /// Handles one event of `entity` at `now` that was `amount` under way, and says after how long the next one is due.
    #[inline(always)]
    pub(crate) fn handle(&mut self, now: u64, entity: u32, amount: u64) -> u64 {
        let state = &mut self.entities[entity as usize];
        state.count += 1;
        state.sum += amount;
        self.handled += 1;
        self.checksum = (self.checksum.rotate_left(5) ^ now ^ u64::from(entity)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.draw()
    }
}

/// An engine with its pending events.
pub(crate) trait Contestant {
    fn name(&self) -> &'static str;
    /// Handles everything up to and including the instant `until` [ns], which are `events` events if that is known.
    fn advance(&mut self, until: u64, events: Option<u64>);
    /// Events handled so far, and their checksum.
    fn tally(&mut self) -> (u64, u64);
}

fn increments() -> Vec<u64> {
    // SplitMix64, any generator would do.
    let mut state = 7_u64;
    let mut uniform = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..TABLE).map(|_| ((-(1.0 - uniform()).ln() * MEAN_NS) as u64).max(1)).collect()
}

/// Nanoseconds per event of every contestant, one row per repetition.
fn measure(contestants: &mut [Box<dyn Contestant>], pending: usize, events: u64, reps: usize) -> Vec<Vec<f64>> {
    let slice = (events as f64 / pending as f64 * MEAN_NS) as u64;
    let mut measured = vec![Vec::new(); contestants.len()];
    for rep in 0..=reps as u64 {
        let until = (rep + 1) * slice;
        let before = contestants[0].tally().0;
        let mut expected = None;
        for (contestant, measured) in contestants.iter_mut().zip(&mut measured) {
            let known = expected.map(|(handled, _): (u64, u64)| handled - before);
            let (elapsed, ()) = seconds(|| contestant.advance(until, known));
            let tally = contestant.tally();
            assert_eq!(*expected.get_or_insert(tally), tally, "{} took another path", contestant.name());
            // The first slice warms up.
            if rep > 0 {
                measured.push(elapsed * 1e9 / (tally.0 - before) as f64);
            }
        }
    }
    measured
}

/// One line of the table.
#[derive(serde::Serialize)]
struct Row {
    pending: usize,
    engine: &'static str,
    ns_per_event: Spread,
    /// Median over the repetitions of (this / isotherm in the same repetition).
    ratio: f64,
}

fn compare(pending: usize, events: u64, reps: usize, table: &[u64]) -> Vec<Row> {
    let entities = Entities::new(pending, table);
    let mut contestants: Vec<Box<dyn Contestant>> = vec![
        Box::new(isotherm::Ours::<Wheel<_>>::new("isotherm", entities.clone())),
        Box::new(isotherm::Ours::<BinaryHeapQueue<_>>::new("isotherm, binary heap", entities.clone())),
    ];
    if !flag("--ours") {
        contestants.push(Box::new(simcore_peer::Peer::new(entities.clone())));
        contestants.push(Box::new(nexosim_peer::Peer::new(entities)));
    }
    let measured = measure(&mut contestants, pending, events, reps);
    let row = |(contestant, measured_here): (&Box<dyn Contestant>, &Vec<f64>)| {
        let ratios: Vec<f64> = measured_here.iter().zip(&measured[0]).map(|(theirs, ours)| theirs / ours).collect();
        Row {
            pending,
            engine: contestant.name(),
            ns_per_event: Spread::of(measured_here),
            ratio: Spread::of(&ratios).median,
        }
    };
    contestants.iter().zip(&measured).map(row).collect()
}

fn main() {
    let reps = option("--reps", 7);
    let only = option("--pending", 0);
    let table = increments();
    let rows: Vec<Row> = [(100, 400_000), (10_000, 800_000), (1_000_000, 2_000_000)]
        .into_iter()
        .filter(|(pending, _)| only == 0 || only == *pending)
        .flat_map(|(pending, events)| compare(pending, events, reps, &table))
        .collect();
    if flag("--json") {
        println!("{}", serde_json::to_string_pretty(&rows).expect("numbers and names"));
        return;
    }
    println!("| pending events | engine | ns per event, median | min | ratio to isotherm |");
    println!("|---:|---|---:|---:|---:|");
    for Row { pending, engine, ns_per_event: Spread { min, median }, ratio } in &rows {
        println!("| {pending} | {engine} | {median:.1} | {min:.1} | {ratio:.2} |");
    }
}
