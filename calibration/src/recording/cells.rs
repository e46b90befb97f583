//! Which column holds what, and rows to tracks.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::Track;

/// Columns that are part of the format and not needed here.
const UNUSED: [&str; 9] = [
    "power_inst_mw",
    "mem_mhz",
    "util_gpu",
    "pstate",
    "margin_c",
    "call_us",
    "mem_power_inst_mw",
    "module_power_inst_mw",
    "power_avg_mw",
];

/// Positions of the known columns in a row.
pub(super) struct Columns {
    time: usize,
    gpu: Option<usize>,
    /// Position, factor to the unit of the track, and the track's column.
    readings: Vec<(usize, f64, Column)>,
    /// Columns that no one knows.
    pub(super) unknown: Vec<String>,
}

type Column = fn(&mut Track) -> &mut Vec<f64>;

/// What was found and what was expected.
pub(super) type RowFault = (String, String);

impl Columns {
    pub(super) fn find(header: &StringRecord) -> Result<Self, RowFault> {
        let names: Vec<&str> = header.iter().collect();
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                return Err((format!("there are two columns `{name}`"), "expected every column once".to_owned()));
            }
        }
        let place = |name: &str| names.iter().position(|column| *column == name);
        let example = "expected a first line such as \"t_s,gpu,power_mw,energy_mj,temp_c,mem_temp_c\"";
        let missing =
            |what: &str| (format!("there is no {what}; the columns are \"{}\"", names.join(",")), example.to_owned());
        let time = place("t_s").ok_or_else(|| missing("column `t_s`"))?;
        // Both power columns are the mean of the last second; the first that is there will do.
        let power = if place("power_mw").is_some() { "power_mw" } else { "power_avg_mw" };
        let known: [(&str, f64, Column); 8] = [
            ("energy_mj", 1e-3, |track| &mut track.energy),
            (power, 1e-3, |track| &mut track.power),
            ("mem_power_avg_mw", 1e-3, |track| &mut track.memory_power),
            ("temp_c", 1.0, |track| &mut track.gpu_celsius),
            ("mem_temp_c", 1.0, |track| &mut track.hbm_celsius),
            ("util_mem", 1e-2, |track| &mut track.memory_use),
            ("sm_mhz", 1.0, |track| &mut track.sm_mhz),
            ("reasons", 1.0, |track| &mut track.reasons),
        ];
        if place("temp_c").is_none() {
            return Err(missing("column `temp_c`"));
        }
        if place("energy_mj").is_none() && place(power).is_none() {
            return Err(missing("column `energy_mj`, nor `power_mw` in its place"));
        }
        let is_known = |name: &str| known.iter().any(|(column, ..)| *column == name);
        let unknown = names.iter().filter(|name| !is_known(name) && !UNUSED.contains(name));
        let unknown = unknown.filter(|name| !["t_s", "gpu"].contains(name)).map(ToString::to_string).collect();
        let readings = known.into_iter().filter_map(|(name, factor, column)| Some((place(name)?, factor, column)));
        Ok(Self { time, gpu: place("gpu"), readings: readings.collect(), unknown })
    }

    /// Appends `row` to its GPU; returns how many cells held no number where one should be.
    pub(super) fn read(&self, row: &StringRecord, tracks: &mut BTreeMap<u32, Track>) -> Result<usize, RowFault> {
        let cell = |place: usize| row.get(place).unwrap_or_default();
        let shown =
            |text: &str| if text.is_empty() { "empty".to_owned() } else { format!("`{text}`, which is not one") };
        let time = cell(self.time).parse().ok().filter(|time: &f64| time.is_finite()).ok_or_else(|| {
            (
                format!("`t_s` is {}", shown(cell(self.time))),
                "expected a time in seconds, for example 1795378419.4534".to_owned(),
            )
        })?;
        let gpu = match self.gpu {
            None => 0,
            Some(place) => cell(place).parse().map_err(|_| {
                (format!("`gpu` is {}", shown(cell(place))), "expected an index from 0, for example 0".to_owned())
            })?,
        };
        let track = tracks.entry(gpu).or_insert_with(|| Track { gpu, ..Track::default() });
        if let Some(back) = track.time.last().map(|last| last - time).filter(|back| *back > 0.0) {
            return Err((
                format!("the time of GPU {gpu} goes back by {back:.4} s"),
                "expected the rows of each GPU in order of time; sort the file by `t_s`, or cut it where the clock was set"
                    .to_owned(),
            ));
        }
        track.time.push(time);
        let mut bad = 0;
        for (place, factor, column) in &self.readings {
            let text = cell(*place);
            let value = text.parse().ok().filter(|value: &f64| value.is_finite());
            bad += usize::from(value.is_none() && !text.is_empty());
            column(track).push(value.map_or(f64::NAN, |value| value * factor));
        }
        Ok(bad)
    }
}
