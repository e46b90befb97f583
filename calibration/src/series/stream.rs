//! Who stands in whose warm air: the power of the GPUs upstream, as a recording of all of them has it.

use super::Series;

/// Gives every series the power of the GPUs before it in its stream of air or coolant; each stream lists the upstream GPU first. GPUs that the recording
/// lacks count as none.
///
/// ```
/// # use isotherm_calibration::{recording::Recording, series::{Series, upstream}};
/// # let rows = (0..200).map(|k| { let t = 0.1 * f64::from(k); format!("{t},0,{},40\n{t},1,{},40\n", 100_000, if k < 100 { 0 } else { 300_000 }) });
/// # let text = format!("t_s,gpu,power_mw,temp_c\n{}", rows.collect::<String>());
/// # let (mut series, _) = Series::all(&Recording::parse("two.csv", &text).unwrap());
/// upstream(&mut series, &[vec![1, 0]]);
/// assert_eq!(series[0].upstream.first(), Some(&0.0));
/// assert!((series[0].upstream.last().unwrap() - 300.0).abs() < 1e-9);
/// assert!(series[1].upstream.is_empty(), "nobody is before the first");
/// ```
pub fn upstream(series: &mut [Series], streams: &[Vec<u32>]) {
    for stream in streams {
        for (place, gpu) in stream.iter().enumerate() {
            let before = &stream[..place];
            for own in 0..series.len() {
                if series[own].gpu != *gpu {
                    continue;
                }
                let (mut watts, mut first, mut known) = (vec![0.0; series[own].power.len()], 0.0, false);
                for other in series.iter().filter(|s| s.file == series[own].file && before.contains(&s.gpu)) {
                    known = true;
                    first += other.initial_power;
                    watts.iter_mut().zip(means(other, &series[own].time)).for_each(|(sum, mean)| *sum += mean);
                }
                if known {
                    (series[own].upstream, series[own].initial_upstream) = (watts, first);
                }
            }
        }
    }
}

/// Mean power of `other` in each interval between `time`.
fn means<'a>(other: &'a Series, time: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let energy = energy_until(other);
    let at = move |t: f64| {
        let next = other.time.partition_point(|instant| *instant <= t).clamp(1, other.power.len());
        energy[next - 1] + other.power[next - 1] * (t - other.time[next - 1])
    };
    time.windows(2).map(move |w| (at(w[1]) - at(w[0])) / (w[1] - w[0]))
}

/// Energy since the first instant, at each instant (J).
fn energy_until(series: &Series) -> Vec<f64> {
    let mut total = 0.0;
    let rest = series.steps().zip(&series.power).map(|(seconds, watts)| {
        total += seconds * watts;
        total
    });
    [0.0].into_iter().chain(rest.collect::<Vec<_>>()).collect()
}
