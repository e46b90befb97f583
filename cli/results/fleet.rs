//! The tables that only fleets have: racks window by window, and histograms.

use isotherm_core::fleet::{FleetRecord, RackWindow, Spread};

use super::Finished;
use super::columns::{Column, Values};

/// The fleets among some runs.
fn fleets(finished: &[Finished]) -> Vec<(&str, &FleetRecord)> {
    let fleet = |f| -> Option<(&str, &FleetRecord)> {
        let finished: &Finished = f;
        Some((finished.run.id.as_str(), finished.outcome.as_ref().ok()?.fleet.as_deref()?))
    };
    finished.iter().filter_map(fleet).collect()
}

/// A row per run, window and rack; none where no run is a fleet.
pub(super) fn racks(finished: &[Finished]) -> Option<Vec<Column>> {
    let fleets = fleets(finished);
    if fleets.is_empty() {
        return None;
    }
    let rows: Vec<(&str, &RackWindow)> =
        fleets.iter().flat_map(|(run, fleet)| fleet.racks.iter().map(move |rack| (*run, rack))).collect();
    let whole = |name, value: &dyn Fn(&RackWindow) -> u64| Column {
        name,
        values: Values::Whole(rows.iter().map(|(_, rack)| value(rack) as i64).collect()),
    };
    let real = |name, value: &dyn Fn(&RackWindow) -> f32| Column {
        name,
        values: Values::Real(rows.iter().map(|(_, rack)| Some(f64::from(value(rack)))).collect()),
    };
    let mut columns = vec![
        Column { name: "run_id", values: Values::Text(rows.iter().map(|(run, _)| (*run).to_owned()).collect()) },
        whole("row", &|rack| rack.row.into()),
        whole("rack", &|rack| rack.rack.into()),
        whole("from_ns", &|rack| rack.from.nanos()),
        whole("until_ns", &|rack| rack.until.nanos()),
        real("inlet_degc", &|rack| rack.inlet),
        real("throttled_share", &|rack| rack.throttled_share),
    ];
    type Part = fn(&RackWindow) -> Spread;
    let spreads: [([&'static str; 3], Part); 3] = [
        (["temperature_min_degc", "temperature_mean_degc", "temperature_max_degc"], |rack| rack.temperature),
        (["power_min_w", "power_mean_w", "power_max_w"], |rack| rack.power),
        (["clock_min_mhz", "clock_mean_mhz", "clock_max_mhz"], |rack| rack.clock),
    ];
    for ([min, mean, max], part) in spreads {
        columns.push(real(min, &|rack| part(rack).min));
        columns.push(real(mean, &|rack| part(rack).mean));
        columns.push(real(max, &|rack| part(rack).max));
    }
    Some(columns)
}

/// A row per run, quantity and bin that holds something; none where no run is a fleet.
pub(super) fn histograms(finished: &[Finished]) -> Option<Vec<Column>> {
    let fleets = fleets(finished);
    if fleets.is_empty() {
        return None;
    }
    let (mut runs, mut quantities) = (Vec::new(), Vec::new());
    let (mut from, mut until, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for (run, fleet) in fleets {
        for (quantity, histogram) in fleet.histograms() {
            for (low, high, count) in histogram.filled() {
                runs.push(run.to_owned());
                quantities.push(quantity.to_owned());
                from.push(Some(low));
                until.push(Some(high));
                counts.push(count as i64);
            }
        }
    }
    Some(vec![
        Column { name: "run_id", values: Values::Text(runs) },
        Column { name: "quantity", values: Values::Text(quantities) },
        Column { name: "from", values: Values::Real(from) },
        Column { name: "until", values: Values::Real(until) },
        Column { name: "count", values: Values::Whole(counts) },
    ])
}
