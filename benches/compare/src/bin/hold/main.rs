//! The hold model: N pending events, each of which puts itself back an exponential increment later and changes a small state.
//!
//! Small N costs dispatch and boxing, large N the memory under the queue. `hold [--pending N]`

mod desque_peer;
mod isotherm;
mod nexosim_peer;
mod simcore_peer;

use isotherm_compare::contest::{Contestant, MEAN_NS, TABLE, compare, increments, mix};
use isotherm_compare::option;
use isotherm_core::queue::{BinaryHeapQueue, Wheel};

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
        self.checksum = mix(self.checksum, now, entity);
        self.draw()
    }
}

fn main() {
    let only = option("--pending", 0);
    let table = increments(MEAN_NS);
    for (pending, events) in
        [(100, 400_000), (1000, 400_000), (10_000, 800_000), (100_000, 800_000), (1_000_000, 1_000_000)]
    {
        if only != 0 && only != pending {
            continue;
        }
        let entities = Entities::new(pending, &table);
        let mut contestants: Vec<Box<dyn Contestant>> = vec![
            Box::new(isotherm::Ours::<Wheel<_>>::new("isotherm", entities.clone())),
            Box::new(isotherm::Ours::<BinaryHeapQueue<_>>::new("isotherm, binary heap", entities.clone())),
            Box::new(desque_peer::Peer::new(entities.clone())),
            Box::new(simcore_peer::Peer::new(entities.clone())),
            Box::new(nexosim_peer::Peer::new(entities)),
        ];
        compare("hold", pending, &mut contestants, (f64::from(events) / pending as f64 * MEAN_NS) as u64);
    }
}
