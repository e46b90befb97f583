//! What the commands about live telemetry share: meters, the beat they are read in, and what is made of the readings.

mod account;
mod energy;
mod pace;
mod played;
mod processor;
mod quantity;
mod reasons;
pub(crate) mod source;
mod stop;
mod synthetic;

pub mod dashboard;

pub use account::{Account, DeviceAccount, GAP_MS, Happening};
pub use energy::{EnergyCheck, Verdict};
pub use pace::Pace;
pub use played::PlayedMeter;
pub use processor::processor_time;
pub use quantity::{absence, quantity};
pub use reasons::in_words;
pub use source::{Chosen, only, open, open_with};
pub use stop::Stop;
pub use synthetic::SyntheticMeter;
