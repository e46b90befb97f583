//! Thermal networks against recordings: fit and check.

pub mod check;
pub mod fit;

mod ambient;
mod layout;
mod least_squares;
mod model;
mod response;
mod uncertainty;
