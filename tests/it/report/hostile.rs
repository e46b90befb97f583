//! Names that others give are text on the page, whatever is in them.

use isotherm_report::page;
use isotherm_report::results::Results;
use serde_json::{Value, json};

use super::browser::{drive, expected};
use crate::lab::{isotherm, root, text};

/// What a router may be called.
fn names() -> Vec<String> {
    vec![
        "</script><script>globalThis.hacked = 1</script>".to_owned(),
        "<img src=x onerror=\"globalThis.hacked = 1\">".to_owned(),
        "\"double\" 'single' `back` & &amp; <b>".to_owned(),
        "\u{202e}\u{645}\u{648}\u{62c}\u{651}\u{647} \u{5e0}\u{5ea}\u{5d1}".to_owned(),
        "\u{1f525} hot \u{1f9ca} cold".to_owned(),
        "long ".repeat(2000),
    ]
}

#[test]
fn names_are_escaped_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let routers: Vec<String> = names()
        .iter()
        .enumerate()
        .map(|(place, name)| {
            format!("{{ kind = \"energy-penalty\", lambda = 0.{}, name = {} }}", place + 1, Value::from(name.as_str()))
        })
        .collect();
    let scenario = crate::lab::small(&format!("router = [{}]", routers.join(", ")));
    let scenario = scenario.replace("scenarios/", &format!("{}/scenarios/", root().display()));
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out", "--quiet"]));
    assert_eq!(code, 0, "{err}");
    let out = folder.path().join("out");
    let (code, _, err) = text(&isotherm(folder.path(), &["report", "out"]));
    assert_eq!(code, 0, "{err}");

    let html = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(html.matches("<script").count(), 3, "the data, the charts and the page's own");
    assert!(!html.contains("<img") && !html.contains("onerror=\""), "a name became an element");
    let block = html.split_once("id=\"data\" type=\"application/json\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: Value = serde_json::from_str(block).unwrap();
    let routers = data["routers"].as_array().unwrap();
    for name in names() {
        let name = shown(&name);
        assert!(routers.iter().any(|router| router["name"] == name.as_str()), "{name:.60} is not in the data");
    }
    assert!(!html.contains('\u{202e}'), "a name turns the direction of what is around it");
    assert!(!block.contains("NaN") && !block.contains("null,null,null"), "a value that is none is a number");

    let mut expected = expected(&out, "hostile", "", &["0"]);
    expected["hostile"] = json!(names().iter().map(|name| shown(name)).collect::<Vec<_>>());
    // Two lines of the same begin are told apart by what the table says, not by their shortened names.
    expected["plots"].as_array_mut().unwrap().iter_mut().for_each(keep_short_names);
    drive(&out.join("report.html"), &expected);
    assert_eq!(page::html(&Results::open(&out).unwrap()), html, "the same folder gives the same bytes");
}

/// The read-outs of plots shorten long names, and have the others as they are shown.
fn keep_short_names(plot: &mut Value) {
    let lines = plot["lines"].as_array_mut().unwrap();
    lines.retain(|line| line["name"].as_str().is_some_and(|name| name.len() < 100));
    lines.iter_mut().for_each(|line| line["name"] = shown(line["name"].as_str().unwrap()).into());
}

/// A name as the page has it: what turns its direction is seen, and turns nothing.
fn shown(name: &str) -> String {
    name.replace('\u{202e}', "\u{fffd}")
}
