//! A range query of Prometheus as it answers it: `{"status":"success","data":{"resultType":"matrix","result":[...]}}`.

use std::collections::BTreeMap;

use isotherm_core::input::InputError;
use serde::Deserialize;

use crate::dcgm::names;

use super::dcgm::Points;
use super::{Format, Recording};

const EXPECTED: &str = "expected the answer to a range query, {\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\
                        \"result\":[{\"metric\":{\"__name__\":\"DCGM_FI_DEV_GPU_TEMP\",\"gpu\":\"0\"},\"values\":[[1795712701,\"41\"]]}]}}";

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    result_type: String,
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// Whether a text begins like such an answer.
pub(super) fn recognises(text: &str) -> bool {
    let beginning: String = text.chars().take(4096).collect();
    beginning.starts_with('{') && beginning.contains("\"resultType\"")
}

/// Joins the metrics of each GPU on their times.
pub(super) fn read(file: &str, text: &str) -> Result<Recording, InputError> {
    let fault = |found: String| InputError::new(file, found, EXPECTED);
    let answer: Answer = serde_json::from_str(text)
        .map_err(|error| fault(format!("is not what Prometheus answers ({error})")).at_line(error.line() as u64))?;
    let data = answer.data.filter(|_| answer.status == "success");
    let data = data.ok_or_else(|| fault(format!("the query had failed: {}", answer.error)))?;
    if data.result_type != "matrix" {
        return Err(fault(format!("the query was for a `{}`, which has no course in time", data.result_type)));
    }
    let (mut points, mut names) = (Points::default(), Vec::new());
    let mut unknown: Vec<&str> = Vec::new();
    for series in &data.result {
        let label = |name: &str| series.metric.get(name).map(String::as_str);
        let name = label("__name__").unwrap_or_default();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        let Some((field, _)) = names::of_name(name) else {
            if !unknown.contains(&name) {
                unknown.push(name);
            }
            continue;
        };
        let host = label("Hostname").or(label("hostname")).or(label("instance")).unwrap_or_default();
        let gpu = label("gpu").or(label("uuid")).or(label("UUID")).unwrap_or("0");
        let device = (host.to_owned(), gpu.to_owned());
        for (time, value) in &series.values {
            points.add(&device, micros(*time), (name, field), value, 0);
        }
    }
    points.notes.extend(unknown.iter().map(|name| format!("metric `{name}` is not known and not used")));
    Ok(points.finish(file, Format::Prometheus, names, None))
}

/// Seconds as Prometheus has them, which are whole milliseconds, to nanoseconds: a double of today is good to a microsecond.
fn micros(seconds: f64) -> i64 {
    ((seconds * 1e6).round() as i64).saturating_mul(1000)
}
