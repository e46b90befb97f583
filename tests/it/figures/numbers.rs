//! Figures of sums and means against the tables.

use isotherm_report::figure::Kind;

use super::tables::{interval, rows, runs};
use super::{Folder, figure, near, panel, series};

/// Values of a metric over the seeds.
fn metric(folder: &Folder, router: &str, point: &str, name: &str) -> Vec<f64> {
    let all = rows(folder, "runs.parquet");
    let wanted = all.iter().filter(|row| row.text("router") == router && row.text("point") == point);
    wanted.map(|row| row.number(name)).collect()
}

#[test]
fn pareto_shows_means_intervals_and_the_frontier() {
    let folder = Folder::classic();
    let figure = figure("pareto", &folder.results());
    let panel = &figure.panels[0];
    for router in ["energy-penalty", "ttt"] {
        let shown = series(panel, router);
        assert_eq!(shown.points.len(), 5);
        for point in &shown.points {
            let (saved, half) = interval(&metric(&folder, router, &point.text, "energy_savings_percent"));
            near(point.y, saved);
            near(point.y_range.unwrap()[0], saved - half);
            let (lost, half) = interval(&metric(&folder, router, &point.text, "mass_regret"));
            near(point.x, 100.0 * lost);
            near(point.x_range.unwrap()[1], 100.0 * (lost + half));
        }
    }
    // The frontier is the mean over seeds at each price; what is drawn of it ends beside the last mark.
    let optimal = series(panel, "optimal frontier");
    assert_eq!(optimal.kind, Kind::Bound);
    let curve = rows(&folder, "frontier.parquet");
    let mut prices: Vec<f64> = curve.iter().map(|row| row.number("price_per_j")).collect();
    prices.sort_by(f64::total_cmp);
    prices.dedup();
    for (point, price) in optimal.points.iter().zip(prices).filter(|(point, _)| !point.text.is_empty()) {
        let at: Vec<_> = curve.iter().filter(|row| row.number("price_per_j").to_bits() == price.to_bits()).collect();
        let mean = |column: &str| at.iter().map(|row| row.number(column)).sum::<f64>() / at.len() as f64;
        assert_eq!(at.len(), 3, "a row a seed");
        near(point.x, 100.0 * mean("mass_regret"));
        near(point.y, mean("energy_savings_percent"));
    }
    assert!(optimal.points.len() > 10);
    let above = |x: f64| {
        let pair = optimal.points.windows(2).find(|pair| pair[0].x <= x && x <= pair[1].x).unwrap();
        let share = (x - pair[0].x) / (pair[1].x - pair[0].x).max(1e-12);
        pair[0].y + share * (pair[1].y - pair[0].y)
    };
    for point in series(panel, "ttt").points.iter().filter(|point| point.x > 0.1) {
        assert!(point.y < above(point.x), "no router is above the frontier: {point:?}");
    }
}

#[test]
fn the_sweep_is_a_line_a_router_with_its_intervals() {
    let folder = Folder::classic();
    let figure = figure("sweep", &folder.results());
    for router in ["energy-penalty", "ttt"] {
        let shown = series(&figure.panels[0], router);
        let lambdas = ["0", "0.01", "0.1", "0.5", "1"];
        assert_eq!(shown.points.len(), lambdas.len());
        for (point, lambda) in shown.points.iter().zip(lambdas) {
            let values = metric(&folder, router, &format!("router.lambda={lambda}"), "energy_savings_percent");
            let (saved, half) = interval(&values);
            near(point.y, saved);
            near(point.y_range.unwrap()[1], saved + half);
        }
    }
}

#[test]
fn two_axes_make_a_field() {
    let sweep = "sweep={\"arrivals.tokens\"=[512,1024], \"router[1].lambda\"=[0.01,0.1,1.0]}";
    let folder = Folder::of("device.toml", &["seeds=2", "arrivals.batches=6", sweep]);
    let figure = figure("sweep", &folder.results());
    let panel = panel(&figure, "price on sampled heat");
    let heat = panel.heat.as_ref().unwrap();
    // Numbers grow upwards: the first row is the largest.
    for (row, tokens) in [1024, 512].into_iter().enumerate() {
        for (column, lambda) in ["0.01", "0.1", "1"].into_iter().enumerate() {
            let point = format!("arrivals.tokens={tokens} router[1].lambda={lambda}");
            let (saved, half) = interval(&metric(&folder, "price on sampled heat", &point, "energy_savings_percent"));
            near(heat.rows[row][column].unwrap(), saved);
            near(heat.halves[row][column].unwrap(), half);
        }
    }
}

#[test]
fn cold_and_hot_add_up_to_the_energy_of_all() {
    let folder = Folder::classic();
    let figure = figure("cold-vs-hot", &folder.results());
    let [share, energy] = figure.panels.as_slice() else { panic!("two panels") };
    // Of the sweep the point that saves most is shown: for both it is the highest price.
    let chosen = [("baseline", ""), ("energy-penalty", "router.lambda=1"), ("ttt", "router.lambda=1")];
    for (place, (router, point)) in chosen.into_iter().enumerate() {
        let (hot, half) = interval(&metric(&folder, router, point, "hot_share"));
        let bar = &series(share, "hot experts").points[place];
        near(bar.x, 100.0 * hot);
        near(bar.x_range.unwrap()[1], 100.0 * (hot + half));
        let [cold, hot] =
            ["cold_energy_j", "hot_energy_j"].map(|name| interval(&metric(&folder, router, point, name)).0);
        let bars = ["cold experts", "hot experts"].map(|name| &series(energy, name).points[place]);
        near(bars[0].x, 1e-3 * cold);
        near(bars[1].from, 1e-3 * cold);
        near(bars[1].x, 1e-3 * (cold + hot));
    }
}

#[test]
fn imbalance_stands_against_the_energy_of_a_token() {
    let folder = Folder::classic();
    let figure = figure("energy-vs-imbalance", &folder.results());
    for point in &series(&figure.panels[0], "ttt").points {
        let (joules, _) = interval(&metric(&folder, "ttt", &point.text, "energy_per_token_j"));
        let (imbalance, half) = interval(&metric(&folder, "ttt", &point.text, "thermal_imbalance_abs"));
        near(point.x, joules);
        near(point.y, imbalance);
        near(point.y_range.unwrap()[0], imbalance - half);
    }
    let device = Folder::device();
    let figure = super::figure("energy-vs-imbalance", &device.results());
    let point = &series(&figure.panels[0], "ttt").points[0];
    near(point.y, metric(&device, "ttt", "", "temperature_spread_mean_k")[0]);
    assert!(point.x_range.is_none() && point.y_range.is_none(), "one seed has no interval");
    assert_eq!(runs(&device, "ttt", "").len(), 1);
}

#[test]
fn marks_and_frontier_are_of_one_energy() {
    let folder = Folder::of("feasible-cap.toml", &["seeds=2"]);
    let results = folder.results();
    let figure = figure("pareto", &results);
    let panel = &figure.panels[0];
    assert_eq!(panel.y.label, "energy of assignments saved (%)");
    let optimal = &series(panel, "optimal frontier").points;
    let assignments = |router: &str| -> Vec<f64> {
        let [cold, hot] = ["cold_energy_j", "hot_energy_j"].map(|name| metric(&folder, router, "", name));
        cold.iter().zip(hot).map(|(cold, hot)| cold + hot).collect()
    };
    let baseline = assignments("baseline");
    for router in ["energy-penalty", "primal-dual", "pid"] {
        let saved: Vec<f64> =
            assignments(router).iter().zip(&baseline).map(|(now, before)| 100.0 * (1.0 - now / before)).collect();
        let point = &series(panel, router).points[0];
        let (mean, half) = interval(&saved);
        near(point.y, mean);
        near(point.y_range.unwrap()[1], mean + half);
        let after = optimal.iter().position(|optimum| optimum.x > point.x).unwrap();
        let [before, after] = [&optimal[after - 1], &optimal[after]];
        let bound = before.y + (after.y - before.y) * (point.x - before.x) / (after.x - before.x);
        // The frontier bends between its points.
        assert!(point.y <= bound + 0.02, "{router} saves {} where {bound} is the most", point.y);
        if router == "energy-penalty" {
            assert!(point.y > bound - 0.05, "{router} is on the frontier: {} of {bound}", point.y);
        }
    }
    let total = results.summary.rows[1].metric("energy_savings_percent").unwrap().mean;
    assert!(total < 0.5 * series(panel, "energy-penalty").points[0].y, "{total}");
    let said = figure.notes.iter().any(|note| note.contains("of assignments") && note.contains("idle GPUs"));
    assert!(said, "{:?}", figure.notes);
}
