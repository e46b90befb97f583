//! What figures say of their intervals is what they draw, and a figure that leaves something out says so.

use isotherm_report::figure::{Figure, Kind};

use super::{Folder, figure, series};

fn has_ribbons(figure: &Figure) -> bool {
    figure.panels.iter().flat_map(|panel| &panel.series).any(|series| series.kind == Kind::Ribbon)
}

#[test]
fn lines_of_two_seeds_name_no_interval() {
    let folder = Folder::drift();
    let two = folder.results();
    for name in ["drift-recovery", "diversity"] {
        let figure = figure(name, &two);
        assert!(
            figure.subtitle.ends_with("mean of 2 seeds, no interval") && !has_ribbons(&figure),
            "{}",
            figure.subtitle
        );
    }
    let folder = Folder::classic();
    let three = folder.results();
    let figure = figure("diversity", &three);
    assert!(figure.subtitle.ends_with("mean of 3 seeds, 95 % interval") && has_ribbons(&figure), "{}", figure.subtitle);
}

/// A summary's intervals are bootstraps on request. Those that a figure makes itself are Student's, and it says so.
#[test]
fn intervals_that_a_figure_makes_are_called_what_they_are() {
    let routers = "router = [{ kind = \"energy-penalty\", lambda = 0.5 }]";
    let folder = Folder::small(routers, &["--set", "seeds=5", "--bootstrap", "200"]);
    let results = folder.results();
    let of = |name: &str| figure(name, &results);
    assert!(of("diversity").subtitle.ends_with("5 seeds, 95 % Student-t interval"), "{}", of("diversity").subtitle);
    let pareto = of("pareto");
    assert!(pareto.subtitle.ends_with("5 seeds, 95 % bootstrap interval"), "{}", pareto.subtitle);
    assert_eq!(pareto.panels[0].y.label, "energy of assignments saved (%)");
    let said: Vec<&String> = pareto.notes.iter().filter(|note| note.contains("Student's t")).collect();
    assert_eq!(said.len(), 1, "{:?}", pareto.notes);
    let [low, high] = series(&pareto.panels[0], "energy-penalty").points[0].y_range.unwrap();
    let mean = series(&pareto.panels[0], "energy-penalty").points[0].y;
    super::near(0.5 * (low + high), mean);
}

#[test]
fn a_sweep_of_many_routers_shows_what_each_gives_up() {
    let router =
        |price: usize| format!("{{ kind = \"energy-penalty\", lambda = 0.{price}, name = \"price {price}\" }}");
    let routers: Vec<String> = (1..=8).map(router).collect();
    let sweep = "[sweep]\n\"arrivals.tokens\" = [32, 64]";
    let folder = Folder::small(&format!("router = [{}]\n{sweep}", routers.join(", ")), &[]);
    let figure = figure("sweep", &folder.results());
    let labels: Vec<&str> = figure.panels.iter().map(|panel| panel.y.label.as_str()).collect();
    assert_eq!(labels, ["energy saved (%)", "gate mass given up (%)"].repeat(8));
    let titles: Vec<&str> = figure.panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(titles[..4], ["price 1", "price 1", "price 2", "price 2"]);
    assert!(figure.notes.iter().any(|note| note.contains("left what is saved, right the gate mass given up")));
}
