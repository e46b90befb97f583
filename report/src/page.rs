//! `report.html`: a comparison as one file that opens from disk, asks no network for anything, and can be sent to anybody.
//!
//! The answer stands first: which router saved how much, at what cost, how sure. Then what has to be known before it is believed, the
//! table with intervals, figures, plots over time whose cursor is one, a map of the GPUs, scenario and profile with the origin of every
//! number, and the command that runs it again. All of it but plots and map is there without a script.
//!
//! # Size
//! Series are reduced until the page stays below 3 MB: every batch where there is room, else smallest and largest value of a column of
//! batches; the page says which. A value is stored in steps of its line's range: 1/65,534, of reduced lines 1/4,094; whole numbers exactly.
//!
//! # Safety
//! Names of routers and scenarios are other people's text. They are escaped where the document is made, and the browser is told
//! by hash which scripts may run.
//!
//! ```
//! use isotherm_report::{page, results::Results};
//! let mut results = Results::default();
//! results.summary.scenario = "a < b".to_owned();
//! let html = page::html(&results);
//! assert!(html.starts_with("<!DOCTYPE html>") && html.contains("a &lt; b"));
//! ```

mod answer;
mod arms;
mod assets;
mod comparison;
mod data;
mod document;
mod drawn;
mod encode;
mod held;
mod measure;
mod name;
mod notes;
mod origin;
mod reduce;
mod series;

use crate::axes::axes;
use crate::palette::Routers;
use crate::results::Results;

/// The page of a results folder. The same folder gives the same bytes. What is missing in the folder, or cannot be read to its end, is told on
/// the page.
#[must_use]
pub fn html(results: &Results) -> String {
    let axes = axes(&results.summary.rows);
    let routers = Routers::of(results);
    let profile = results.scenario.as_ref().and_then(origin::Profile::of);
    let keys = results.scenario.as_ref().map(|scenario| origin::keys(scenario, profile.as_ref())).unwrap_or_default();
    let mut series = series::collect(results);
    let data = data::data(results, &axes, &routers, &mut series);
    let notes = notes::notes(results, &axes, &series, profile.as_ref());
    let (figures, too_large) = drawn::figures(results);
    document::document(&document::Parts {
        results,
        axes: &axes,
        arms: &arms::Arms::of(&axes, &routers),
        routers: &routers,
        notes: &notes,
        keys: &keys,
        profile: profile.as_ref(),
        data: &data,
        figures: &figures,
        too_large: &too_large,
    })
}
