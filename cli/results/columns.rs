//! The tables `runs` and `series` as columns, before they become Parquet or CSV.

use isotherm_core::metrics::METRICS;
use isotherm_core::record::{BatchRecord, LayerRecord, RunRecord, ThrottleInterval};

use super::Finished;
use super::stream::Streams;
use crate::execute::point_of;
use crate::scenario_file::ScenarioFile;

/// A named column. The name carries the unit.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) values: Values,
}

impl Column {
    /// The same column, empty.
    pub(super) fn without_rows(&self) -> Self {
        let values = match self.values {
            Values::Text(_) => Values::Text(Vec::new()),
            Values::Whole(_) => Values::Whole(Vec::new()),
            Values::Real(_) => Values::Real(Vec::new()),
            Values::WholeLists(_) => Values::WholeLists(Vec::new()),
            Values::RealLists(_) => Values::RealLists(Vec::new()),
            Values::Bytes(_) => Values::Bytes(Vec::new()),
        };
        Self { name: self.name, values }
    }
}

/// The values of a column, one per row.
pub(crate) enum Values {
    Text(Vec<String>),
    Whole(Vec<i64>),
    /// Absent where a metric does not apply.
    Real(Vec<Option<f64>>),
    /// One list per row.
    WholeLists(Vec<Vec<i32>>),
    RealLists(Vec<Vec<f32>>),
    /// Bytes that mean something to isotherm alone.
    Bytes(Vec<Vec<u8>>),
}

impl Values {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Whole(values) => values.len(),
            Self::Real(values) => values.len(),
            Self::WholeLists(values) => values.len(),
            Self::RealLists(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    /// Bytes of the value of a row, as it comes: what lists and texts make of it.
    pub(super) fn bytes(&self, row: usize) -> usize {
        match self {
            Self::Text(values) => values[row].len(),
            Self::Whole(_) | Self::Real(_) => size_of::<f64>(),
            Self::WholeLists(values) => size_of_val(values[row].as_slice()),
            Self::RealLists(values) => size_of_val(values[row].as_slice()),
            Self::Bytes(values) => values[row].len(),
        }
    }

    /// Takes the first `rows` of `other`, which holds the same sort of values.
    pub(crate) fn take_first(&mut self, other: &mut Self, rows: usize) {
        match (self, other) {
            (Self::Text(to), Self::Text(from)) => to.extend(from.drain(..rows)),
            (Self::Whole(to), Self::Whole(from)) => to.extend(from.drain(..rows)),
            (Self::Real(to), Self::Real(from)) => to.extend(from.drain(..rows)),
            (Self::WholeLists(to), Self::WholeLists(from)) => to.extend(from.drain(..rows)),
            (Self::RealLists(to), Self::RealLists(from)) => to.extend(from.drain(..rows)),
            (Self::Bytes(to), Self::Bytes(from)) => to.extend(from.drain(..rows)),
            // A column keeps its sort of values from the first row to the last.
            _ => debug_assert!(false, "two sorts of values in one column"),
        }
    }

    /// Forgets all rows and keeps their memory for the next ones.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Text(values) => values.clear(),
            Self::Whole(values) => values.clear(),
            Self::Real(values) => values.clear(),
            Self::WholeLists(values) => values.clear(),
            Self::RealLists(values) => values.clear(),
            Self::Bytes(values) => values.clear(),
        }
    }
}

/// A row per run of one world: what it was, and every metric. `streams` are those of that world.
pub(crate) fn runs(file: &ScenarioFile, streams: &Streams, finished: &[Finished]) -> Vec<Column> {
    let text =
        |name, f: &dyn Fn(&Finished) -> String| Column { name, values: Values::Text(finished.iter().map(f).collect()) };
    let variant = |f: &Finished| &file.plan.worlds[f.run.world].variants[f.run.variant];
    let mut columns = vec![
        text("run_id", &|f| f.run.id.clone()),
        text("scenario", &|f| file.plan.worlds[f.run.world].scenario.name.clone()),
        text("router", &|f| variant(f).label.clone()),
        text("point", &|f| point_of(file, &f.run)),
        // Seeds are whole numbers of 64 bits without a sign: as text they survive every reader.
        text("seed", &|f| f.run.seed.to_string()),
        text("stream_id", &|f| streams.id(f.run.seed)),
        text("error", &|f| f.outcome.as_ref().err().cloned().unwrap_or_default()),
        text("trace_hash", &|f| f.outcome.as_ref().map_or_else(|_| String::new(), |r| format!("{:016x}", r.trace))),
        Column {
            name: "events",
            values: Values::Whole(finished.iter().map(|f| f.outcome.as_ref().map_or(0, |r| r.events as i64)).collect()),
        },
    ];
    for info in METRICS {
        let values = finished.iter().map(|f| f.metrics.get(info.name).copied()).collect();
        columns.push(Column { name: info.name, values: Values::Real(values) });
    }
    columns
}

/// A row per run and batch.
pub(super) fn series(finished: &[Finished]) -> Vec<Column> {
    let rows: Vec<(&Finished, &BatchRecord)> = finished
        .iter()
        .filter_map(|f| Some((f, f.outcome.as_ref().ok()?)))
        .flat_map(|(f, record): (&Finished, &RunRecord)| record.batches.iter().map(move |batch| (f, batch)))
        .collect();
    let real = |name, value: &dyn Fn(&BatchRecord) -> f64| Column {
        name,
        values: Values::Real(rows.iter().map(|(_, b)| Some(value(b))).collect()),
    };
    let whole = |name, value: &dyn Fn(&BatchRecord) -> u64| Column {
        name,
        values: Values::Whole(rows.iter().map(|(_, b)| value(b) as i64).collect()),
    };
    let per_gpu = |name, value: &dyn Fn(&BatchRecord) -> &[f32]| Column {
        name,
        values: Values::RealLists(rows.iter().map(|(_, b)| value(b).to_vec()).collect()),
    };
    vec![
        Column { name: "run_id", values: Values::Text(rows.iter().map(|(f, _)| f.run.id.clone()).collect()) },
        whole("batch", &|b| u64::from(b.batch)),
        whole("arrived_ns", &|b| b.arrived.nanos()),
        whole("dispatched_ns", &|b| b.dispatched.nanos()),
        whole("started_ns", &|b| b.started.nanos()),
        whole("finished_ns", &|b| b.finished.nanos()),
        whole("tokens", &|b| u64::from(b.tokens)),
        whole("dropped_assignments", &|b| u64::from(b.dropped)),
        real("energy_j", &|b| b.energy_joules),
        real("hot_energy_j", &|b| b.hot_joules),
        real("hot_share", &BatchRecord::hot_share),
        real("thermal_imbalance_signed", &BatchRecord::imbalance_signed),
        real("expert_diversity_nats", &|b| b.load().entropy_nats),
        real("load_max_over_mean", &|b| b.load().max_over_mean),
        real("routing_entropy_nats", &|b| b.fidelity.routing_entropy_nats),
        Column {
            name: "gate_entropy_nats",
            values: Values::Real(rows.iter().map(|(_, b)| b.gate_entropy_nats).collect()),
        },
        Column { name: "gate_kl_nats", values: Values::Real(rows.iter().map(|(_, b)| b.gate_kl_nats).collect()) },
        Column { name: "route_churn", values: Values::Real(rows.iter().map(|(_, b)| b.route_churn).collect()) },
        real("mass_regret", &|b| b.fidelity.mass_regret),
        real("combine_weight_tv", &|b| b.fidelity.combine_weight_tv),
        real("topk_agreement", &|b| b.fidelity.topk_agreement),
        real("exact_match", &|b| b.fidelity.exact_match),
        Column {
            name: "throttled_work_share",
            values: Values::Real(rows.iter().map(|(_, b)| b.throttled_work_share()).collect()),
        },
        Column {
            name: "usage",
            values: Values::WholeLists(rows.iter().map(|(_, b)| b.usage.iter().map(|n| *n as i32).collect()).collect()),
        },
        per_gpu("temperature_degc", &|b| &b.temperatures),
        per_gpu("memory_temperature_degc", &|b| &b.gpus.memory_temperature_degc),
        per_gpu("power_w", &|b| &b.gpus.power_w),
        per_gpu("clock_mhz", &|b| &b.gpus.clock_mhz),
        per_gpu("busy_s", &|b| &b.gpus.busy_s),
    ]
}

/// A row per run and MoE layer; none where every model has a single layer.
pub(super) fn layers(finished: &[Finished]) -> Option<Vec<Column>> {
    let rows: Vec<(&Finished, usize, &LayerRecord)> = finished
        .iter()
        .filter_map(|f| Some((f, f.outcome.as_ref().ok()?)))
        .flat_map(|(f, record)| record.layers.iter().enumerate().map(move |(layer, record)| (f, layer, record)))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let real = |name, value: &dyn Fn(&LayerRecord) -> f64| Column {
        name,
        values: Values::Real(rows.iter().map(|(.., layer)| Some(value(layer))).collect()),
    };
    Some(vec![
        Column { name: "run_id", values: Values::Text(rows.iter().map(|(f, ..)| f.run.id.clone()).collect()) },
        Column { name: "layer", values: Values::Whole(rows.iter().map(|(_, layer, _)| *layer as i64).collect()) },
        real("energy_j", &|l| l.energy_joules),
        real("seconds_s", &|l| l.seconds),
        real("dropped_assignments", &|l| l.dropped as f64),
        real("expert_diversity_nats", &|l| l.load().entropy_nats),
        real("effective_experts", &|l| l.load().effective_experts()),
        real("load_max_over_mean", &|l| l.load().max_over_mean),
        real("load_cv", &|l| l.load().cv),
        real("load_gini", &|l| l.load().gini),
        real("routing_entropy_nats", &|l| l.fidelity.routing_entropy_nats),
        Column {
            name: "gate_entropy_nats",
            values: Values::Real(rows.iter().map(|(.., layer)| layer.gate_entropy_nats).collect()),
        },
        Column {
            name: "gate_kl_nats",
            values: Values::Real(rows.iter().map(|(.., layer)| layer.gate_kl_nats).collect()),
        },
        real("mass_regret", &|l| l.fidelity.mass_regret),
        real("combine_weight_tv", &|l| l.fidelity.combine_weight_tv),
        real("topk_agreement", &|l| l.fidelity.topk_agreement),
        real("exact_match", &|l| l.fidelity.exact_match),
        Column {
            name: "usage",
            values: Values::WholeLists(
                rows.iter().map(|(.., layer)| layer.usage.iter().map(|n| *n as i32).collect()).collect(),
            ),
        },
    ])
}

/// A row per run and stretch of time in which something held a GPU back, under NVML's name for the reason; none where no
/// run models clocks.
pub(super) fn throttling(finished: &[Finished]) -> Option<Vec<Column>> {
    let records: Vec<(&Finished, &RunRecord)> =
        finished.iter().filter_map(|f| Some((f, f.outcome.as_ref().ok()?))).collect();
    // A fleet keeps sums of them, not a list.
    if records.iter().all(|(_, record)| record.clock_mhz_seconds.is_empty() || record.fleet.is_some()) {
        return None;
    }
    let rows: Vec<(&Finished, &ThrottleInterval)> =
        records.iter().flat_map(|(f, record)| record.throttled.iter().map(move |interval| (*f, interval))).collect();
    let text = |name, value: &dyn Fn(&(&Finished, &ThrottleInterval)) -> String| Column {
        name,
        values: Values::Text(rows.iter().map(value).collect()),
    };
    let whole = |name, value: &dyn Fn(&ThrottleInterval) -> u64| Column {
        name,
        values: Values::Whole(rows.iter().map(|(_, interval)| value(interval) as i64).collect()),
    };
    Some(vec![
        text("run_id", &|(f, _)| f.run.id.clone()),
        whole("gpu", &|interval| u64::from(interval.gpu)),
        text("reason", &|(_, interval)| interval.reason.nvml_name().to_owned()),
        text("cause", &|(_, interval)| format!("{:?}", interval.reason)),
        whole("from_ns", &|interval| interval.from.nanos()),
        whole("until_ns", &|interval| interval.until.nanos()),
    ])
}
