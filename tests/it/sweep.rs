//! Sweeps through the program: plans, tasks that are killed, damaged and doubled, and the one result that all of it must give.

mod bench;
mod damaged;
mod killed;
mod many;
mod merged;
mod refused;
mod retried;
