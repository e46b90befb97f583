//! What every router costs relative to `baseline`: all of them in turn, round after round, so that a change of the machine's load
//! meets them alike. Shortest times, and medians of the ratios of a round.
//!
//! ```text
//! cargo bench --bench ratios [-- ROUNDS [PART_OF_NAME]]
//! ```
//!
//! Lines of `experts top_k name microseconds ratio_of_shortest median_ratio`, for people and for `benches/compare/python/numpy_routers.py`.

mod registry;

use std::time::Instant;

use registry::Layer;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rounds: usize = arguments.first().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    let part = arguments.get(1).map_or("", String::as_str);
    for (experts, top_k) in [(8, 2), (64, 8)] {
        let mut layer = Layer::new(experts, top_k);
        let mut routers = layer.routers();
        routers.retain(|(name, _)| *name == "baseline" || name.contains(part));
        let mut seconds = vec![Vec::new(); routers.len()];
        for round in 0..=rounds {
            for ((_, router), seconds) in routers.iter_mut().zip(&mut seconds) {
                let start = Instant::now();
                layer.step(router.as_mut());
                // The first round warms up.
                if round > 0 {
                    seconds.push(start.elapsed().as_secs_f64());
                }
            }
        }
        let shortest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        for ((name, _), own) in routers.iter().zip(&seconds) {
            let mut ratios: Vec<f64> = own.iter().zip(&seconds[0]).map(|(own, base)| own / base).collect();
            ratios.sort_by(f64::total_cmp);
            let (least, median) = (shortest(own), ratios[ratios.len() / 2]);
            let ratio = least / shortest(&seconds[0]);
            println!("{experts:3} {top_k:2} {name:<28} {:9.1} {ratio:6.3} {median:6.3}", least * 1e6);
        }
    }
}
