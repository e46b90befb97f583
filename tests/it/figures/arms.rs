//! A sweep whose points are what is compared: one router, several placements, all of them against the first.

use isotherm_report::figure::{Kind, Scale, build};

use super::{Folder, figure};

fn placements() -> Folder {
    Folder::of("variability.toml", &["seeds=1", "arrivals.batches=6"])
}

const WORDS: [&str; 5] =
    ["eplb", "thermal-eplb", "thermal-eplb, objective energy", "thermal-eplb, objective headroom", "contiguous"];

#[test]
fn placements_stand_below_each_other_with_their_reference() {
    let folder = placements();
    let results = folder.results();
    let figure = figure("sweep", &results);
    assert_eq!(figure.panels.len(), 2, "what is saved, and what it costs");
    for (panel, metric, factor) in
        [(&figure.panels[0], "energy_savings_percent", 1.0), (&figure.panels[1], "latency_p99_s", 1e3)]
    {
        assert_eq!(panel.y.scale, Scale::Names(WORDS.map(str::to_owned).to_vec()));
        let [series] = panel.series.as_slice() else { panic!("{:?}", panel.series) };
        assert_eq!((series.kind, series.points.len()), (Kind::Marks, 5), "no line joins what has no order");
        for (point, row) in series.points.iter().zip(&results.summary.rows) {
            super::near(point.x, factor * row.metric(metric).unwrap().mean);
            assert_eq!(point.text, row.point_text());
        }
    }
    assert_eq!(figure.panels[0].series[0].points[0].x.to_bits(), 0, "the reference saves nothing of itself");
}

#[test]
fn worlds_are_told_apart_by_what_differs() {
    let routers = "router=[{kind=\"baseline\"}, {kind=\"energy-penalty\", lambda=0.1}]";
    let folder = Folder::of("variability.toml", &["seeds=1", "arrivals.batches=6", routers]);
    let figure = figure("pareto", &folder.results());
    let titles: Vec<&str> = figure.panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(titles, WORDS);
    let about_the_frontier: Vec<&String> = figure.notes.iter().filter(|note| note.contains("frontier")).collect();
    assert!(
        matches!(about_the_frontier.as_slice(), [note] if note.contains("kind = \"device\"") && !note.contains("compare.frontier")),
        "one reason, the one that holds: {about_the_frontier:?}"
    );
}

/// One router gives nothing up against itself: a picture of that would say nothing.
#[test]
fn placements_of_one_router_have_no_pareto() {
    let folder = placements();
    let refused = build("pareto", &folder.results()).unwrap_err().to_string();
    assert!(refused.contains("one router is compared with itself"), "{refused}");
}

#[test]
fn the_answer_names_the_placement() {
    let folder = placements();
    let results = folder.results();
    let html = isotherm_report::page::html(&results);
    let answer = html.split("id=\"answer\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(!answer.contains("baseline</bdi>") && answer.contains("placement"), "{answer}");
    // The first point is what all others are measured against.
    let told = |name: &str, unit: &str| {
        let value = results.summary.rows[0].metric(name).unwrap();
        isotherm_report::number::with_unit(value.mean, value.ci95, unit)
    };
    for reference in [told("energy_j", "J"), told("latency_p99_s", "s")] {
        assert!(answer.contains(&format!("instead of {reference}")), "{reference} in {answer}");
    }
    assert!(html.contains("<li>1 router</li>") && html.contains("<li>1 seed</li>"), "one is no plural");
    assert!(html.contains("<h2>All placements</h2>"));
    assert!(html.contains(r#"{"name":"usage","count":32}"#) && html.contains(r#""experts":{"count":64,"group":2}"#));
}
