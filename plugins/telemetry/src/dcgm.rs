//! GPUs read through an exporter of NVIDIA's DCGM: Prometheus text over plain HTTP.
//!
//! Exists because most clusters already run `dcgm-exporter`, and reading its page needs neither a driver nor a right on the machine with the GPUs. An
//! exporter is a coarse source: it asks its devices as rarely as it was told to (every 30 s by default) and repeats the answer until then.
//!
//! [`isotherm_recording::dcgm`] has the one table of what DCGM calls our signals; [`scrape()`] makes readings of a page, and [`DcgmMeter`] fetches the page. What a page says
//! of a signal is a value only if it can be one: DCGM writes "no value" as a number, for example 9223372036854775794.

pub mod scrape;

mod client;
mod meter;
mod spec;
mod text;

pub use meter::DcgmMeter;
pub use scrape::{Page, ScrapeError, Scraped, scrape};
pub use spec::DcgmSpec;
