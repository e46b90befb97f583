//! A fitted network as a device profile.

use std::collections::BTreeMap;

use isotherm_core::hardware::{Basis, DeviceProfile, Link, Node, Origin};
use isotherm_core::units::{Celsius, Watts};

use super::super::layout::STREAM;
use super::super::model::Model;
use super::Fitted;
use super::problem::Task;

/// The profile: what is not thermal comes from `from`.
pub(super) fn assemble(
    task: &Task<'_>,
    model: &Model,
    unknowns: &[f64],
    parameters: &[Fitted],
    from: Option<&DeviceProfile>,
    notes: &[String],
) -> DeviceProfile {
    let layout = &task.layout;
    let value = |key: &str| parameters.iter().find(|p| p.key == key).map_or(0.0, |p| rounded(p.value));
    let two_sources = model.memory.is_some();
    let hbm_share = value("node.hbm.heat_share");
    let node = layout.nodes.iter().enumerate().map(|(k, name)| Node {
        name: (*name).to_owned(),
        capacity_j_per_k: value(&format!("node.{name}.capacity_j_per_k")),
        heat_share: match *name {
            // Shares sum to 1 also after rounding.
            "die" => rounded(1.0 - hbm_share),
            "hbm" => hbm_share,
            _ => 0.0,
        },
        memory_heat_share: if two_sources { model.memory_heat[k] } else { 0.0 },
        ambient_w_per_k: value(&format!("node.{name}.ambient_w_per_k")),
    });
    let link = layout.links.iter().map(|(a, b)| {
        let (a, b) = (layout.nodes[*a], layout.nodes[*b]);
        Link { between: [a.to_owned(), b.to_owned()], w_per_k: value(&format!("link.{a}-{b}.w_per_k")) }
    });
    let memory_power = model.memory.clone().map(|mut memory| {
        memory.constant = Watts::new(rounded(memory.constant.get()));
        memory.at_full_use = Watts::new(rounded(memory.at_full_use.get()));
        memory.share_of_total = rounded(memory.share_of_total);
        memory.reading_weight = rounded(memory.reading_weight);
        memory.path_at_full_use = Watts::new(rounded(memory.path_at_full_use.get()));
        memory
    });
    let names: Vec<String> = task.series.iter().map(crate::series::Series::label).collect();
    let names = names.join(", ");
    let base = from.cloned().unwrap_or_else(|| DeviceProfile {
        name: format!("fitted to {names}"),
        idle_power: Watts::new(rounded(idle(task))),
        ambient: Celsius::new(0.0),
        node: Vec::new(),
        link: Vec::new(),
        clock: None,
        power: None,
        kernel: None,
        interconnect: None,
        memory_power: None,
        limits: None,
        sensor: None,
        origin: BTreeMap::new(),
    });
    DeviceProfile {
        ambient: Celsius::new((10.0 * mean_ambient(task, unknowns)).round() / 10.0),
        node: node.collect(),
        link: link.collect(),
        memory_power,
        origin: origins(&base, parameters, &names, notes),
        ..base
    }
}

/// Where the thermal numbers come from, beside what the profile says of the others.
fn origins(base: &DeviceProfile, parameters: &[Fitted], names: &str, notes: &[String]) -> BTreeMap<String, Origin> {
    let thermal = ["node", "link", "memory_power", "ambient"];
    let mut origin = base.origin.clone();
    origin.retain(|key, _| !key.split('.').next().is_some_and(|first| thermal.contains(&first)));
    for parameter in parameters.iter().filter(|parameter| parameter.key != STREAM) {
        let (basis, note) = match parameter.plus_minus {
            Some(_) => (Basis::Fitted, format!("to {names}")),
            None => (Basis::Guessed, "not fitted: held, or refused because the recordings cannot tell".to_owned()),
        };
        // A number that is carried over keeps what the profile says of it.
        if let (None, Some(known)) = (parameter.plus_minus, base.origin.get(&parameter.key)) {
            origin.insert(parameter.key.clone(), known.clone());
            continue;
        }
        let plus_minus = parameter.plus_minus.map(rounded);
        origin.insert(parameter.key.clone(), Origin { basis, plus_minus, note });
    }
    // What was decided about the memory's law is among the notes of the fit.
    if let Some(note) = notes.iter().find_map(|note| note.strip_prefix("memory power: ")) {
        let basis = if note.starts_with("the law is") { Basis::Fitted } else { Basis::Derived };
        origin.insert("memory_power".to_owned(), Origin { basis, plus_minus: None, note: note.to_owned() });
    }
    let note =
        "mean over the recordings; as the sink sees it, no inlet sensor, with up to 0.5 K of rounding".to_owned();
    origin.insert("ambient".to_owned(), Origin { basis: Basis::Fitted, plus_minus: None, note });
    origin
}

/// Three significant digits for what is above 1, else three decimals: more would claim more than is known.
fn rounded(value: f64) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let mut scale = 1000.0;
    while scale > 1e-3 && (value * scale).abs() >= 10_000.0 {
        scale /= 10.0;
    }
    if scale >= 1.0 { (value * scale).round() / scale } else { (value * scale).round() * (1.0 / scale).round() }
}

/// Power of the quietest twentieth of the recordings (W).
fn idle(task: &Task<'_>) -> f64 {
    let mut powers: Vec<f64> = task.series.iter().flat_map(|series| series.power.iter().copied()).collect();
    powers.sort_by(f64::total_cmp);
    powers.get(powers.len() / 20).copied().unwrap_or(0.0).max(0.0)
}

fn mean_ambient(task: &Task<'_>, unknowns: &[f64]) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for recording in 0..task.series.len() {
        if let Some((_, knots)) = task.ambient(unknowns, recording).split_last() {
            sum += knots.iter().sum::<f64>();
            count += knots.len() as f64;
        }
    }
    sum / f64::max(count, 1.0)
}
