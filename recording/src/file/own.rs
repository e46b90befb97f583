//! Names of our own columns: recordings by isotherm, and everything that was recorded in their likeness.

use crate::recorder::AGED;
use crate::signal::Signal;

use super::number::nanos;
use super::rows::RowFault;
use super::table::{Gpu, Layout, Place, find, no_column};

/// Columns that are part of the format and of no use to readers.
const UNUSED: [&str; 1] = ["call_us"];

/// Time in seconds, an index, and a column for each signal.
pub(super) fn layout(names: &[String]) -> Result<Layout, RowFault> {
    let time = find(names, "t_s")?.ok_or_else(|| no_column("column `t_s`", names))?;
    let mut values = Vec::new();
    for signal in Signal::ALL {
        let Some(place) = find(names, signal.column())? else { continue };
        let age = AGED.contains(&signal).then(|| find(names, &age_column(signal))).transpose()?.flatten();
        values.push(Place { signal, place, places: 0, age });
    }
    if values.is_empty() {
        return Err(no_column("column `temp_c`", names));
    }
    let gpu = find(names, "gpu")?.map_or(Gpu::One, Gpu::Index);
    let (age_ns, status) = (find(names, "age_ns")?, find(names, "status")?);
    let is_known = |name: &str| {
        Signal::of_column(name).is_some()
            || AGED.iter().any(|signal| age_column(*signal) == name)
            || UNUSED.contains(&name)
            || ["t_s", "gpu", "age_ns", "status"].contains(&name)
    };
    let unknown = names.iter().filter(|name| !is_known(name)).cloned().collect();
    let instant = (nanos as fn(&str) -> Option<i64>, "in seconds, for example 1795378419.4534");
    Ok(Layout { time, instant, gpu, values, age_ns, status, unknown })
}

/// Name of the column with a signal's age.
pub(super) fn age_column(signal: Signal) -> String {
    format!("{}_age_ms", signal.column())
}
