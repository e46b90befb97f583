//! `isotherm live compare`: predicted beside measured.

use crate::args::LiveCompare;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::live::compare::compare;
use crate::live::compare_table::render;
use crate::live::predict::{Ambient, Given};
use crate::live::record::LiveRecord;

/// Reads the record, simulates, prints.
pub(super) fn run(options: &LiveCompare) -> Result<Code, Fault> {
    let record = LiveRecord::read(&options.folder)?;
    let file = record.scenario_of(&options.folder, &options.libraries.files)?;
    let profiles: Result<Vec<_>, Fault> =
        options.profile.iter().map(|path| super::super::profile::read_profile(path)).collect();
    let cooling = options.cooling.as_deref().map(super::super::profile::read_cooling).transpose()?;
    let ambient = if options.ambient == "profile" { Ambient::Profile } else { Ambient::Measured };
    let compared = compare(&record, file, &Given { profiles: &profiles?, cooling: cooling.as_ref(), ambient })?;
    let text = if options.json { super::super::profile::json(&compared)? } else { render(&compared, options.markdown) };
    super::super::print(&text)?;
    Ok(exit::SUCCESS)
}
