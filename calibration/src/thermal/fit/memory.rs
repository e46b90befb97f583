//! The law of the memory's power, from recordings that measured it.

use isotherm_core::hardware::{DeviceProfile, MemoryPower};
use isotherm_core::units::Watts;

use super::super::least_squares::solve;
use crate::series::{Series, Standing};

/// The law from our recording holds-3, within 13 W (root mean square) of its measured memory power. Path and weight are round
/// starting values; fits to our recordings end at 77 to 102 W and at 0.26.
pub const DEFAULT: MemoryPower = MemoryPower {
    constant: Watts::new(30.1),
    at_full_use: Watts::new(85.6),
    share_of_total: 0.039,
    path_at_full_use: Watts::new(90.0),
    reading_weight: 0.25,
};

/// Fits `constant + at_full_use u + share_of_total P` to the recordings that measured the memory's power; returns the law
/// and its root mean square error (W). `None` where no recording did, or where it would need a negative number.
#[must_use]
pub fn fit(series: &[Series]) -> Option<(MemoryPower, f64)> {
    let mut rows: Vec<([f64; 3], f64)> = Vec::new();
    for series in series.iter().filter(|series| series.memory_use_is_measured) {
        for (k, watts) in series.memory_power.iter().flatten().enumerate() {
            if series.standing[k] == Standing::Continuous {
                rows.push(([1.0, series.memory_use[k], series.power[k]], *watts));
            }
        }
    }
    let (mut matrix, mut right) = (vec![0.0; 9], vec![0.0; 3]);
    for (row, watts) in &rows {
        for i in 0..3 {
            right[i] += row[i] * watts;
            (0..3).for_each(|j| matrix[i * 3 + j] += row[i] * row[j]);
        }
    }
    let law = solve(&matrix, &right).filter(|law| law.iter().all(|value| *value >= 0.0))?;
    let [constant, at_full_use, share_of_total] = law[..] else { return None };
    let square = |(row, watts): &([f64; 3], f64)| {
        let error = constant + at_full_use * row[1] + share_of_total * row[2] - watts;
        error * error
    };
    let mean = rows.iter().map(square).sum::<f64>() / rows.len() as f64;
    let law =
        MemoryPower { constant: Watts::new(constant), at_full_use: Watts::new(at_full_use), share_of_total, ..DEFAULT };
    Some((law, mean.sqrt()))
}

/// The law to use: fitted where the recordings allow it, else that of the profile, else ours.
pub(super) fn law(series: &[Series], from: Option<&DeviceProfile>, notes: &mut Vec<String>) -> MemoryPower {
    let known = from.and_then(|profile| profile.memory_power.clone());
    match (fit(series), known) {
        (Some((mut law, error)), known) => {
            // The law is regression; path and weight only show in temperatures and start from what is known of them.
            if let Some(known) = known {
                (law.path_at_full_use, law.reading_weight) = (known.path_at_full_use, known.reading_weight);
            }
            notes.push(format!("memory power: the law is within {error:.1} W (RMS) of what was measured"));
            law
        }
        (None, Some(law)) => {
            notes.push("memory power: not measured; the law of the profile is used".to_owned());
            law
        }
        (None, None) => {
            notes.push("memory power: not measured; the law of another H200 (our holds-3) is used".to_owned());
            DEFAULT
        }
    }
}
