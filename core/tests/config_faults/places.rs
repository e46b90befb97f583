//! Each fault has its place and its words.

use super::*;

#[test]
fn a_scenario_in_order_is_read() {
    let outcome = read(VALID);
    assert_eq!(outcome.text(), "");
    let scenario = outcome.scenario.unwrap();
    assert_eq!(scenario.schema_version, 1);
    assert_eq!(scenario.model.scale, 1.0);
    assert_eq!(scenario.router.iter().map(|router| router.lambda()).collect::<Vec<_>>(), [0.0, 0.5]);
    assert!(matches!(scenario.cost, Cost::Table { hot: 2.0, cold: 0.5 }));
}

#[test]
fn every_fault_of_a_text_is_reported_at_its_place() {
    let outcome = read(
        r#"schema_version = "one"
modle = 3

[model]
experts = 8.0
top_k = -1
scael = 1.0

[[router]]
kind = "energy-penaly"
lamda = 0.1
combine = 3

[[router]]
kind = "energy-penalty"
lambda = "high"
[router.prices]
window = [0.5, true, 2]
tiers = [{ joules = 0.5 }, { joules = "x", count = 300, colour = 1 }]

[cost.tabel]
hot = 1.0
"#,
    );
    assert!(outcome.scenario.is_none());
    assert_eq!(
        outcome.lines(),
        [
            "1:18 schema_version wrong type for `schema_version`: found the string \"one\"",
            "2:1 modle unknown key `modle`",
            "5:11 model.experts wrong type for `experts`: found the number `8.0`",
            "6:9 model.top_k value out of range for `top_k`: found the whole number `-1`",
            "7:1 model.scael unknown key `scael`",
            "10:8 router[0].kind unknown router kind `energy-penaly`",
            "11:1 router[0].lamda unknown key `lamda`",
            "12:11 router[0].combine wrong type for `combine`: found the whole number `3`",
            "16:10 router[1].lambda wrong type for `lambda`: found the string \"high\"",
            "18:10 router[1].prices.window wrong length of `window`: found 3 element(s)",
            "18:16 router[1].prices.window[1] wrong type for `window[1]`: found the boolean `true`",
            "19:10 router[1].prices.tiers[0].count missing key `count` in `tiers[0]`",
            "19:39 router[1].prices.tiers[1].joules wrong type for `joules`: found the string \"x\"",
            "19:52 router[1].prices.tiers[1].count value out of range for `count`: found the whole number `300`",
            "19:57 router[1].prices.tiers[1].colour unknown key `colour`",
            "21:7 cost.tabel unknown value `tabel` for `cost`",
        ],
        "{}",
        outcome.text()
    );
}

#[test]
fn a_fault_is_shown_as_rustc_would() {
    let text = VALID.replace("lambda = 0.5", "lamda = 0.5");
    assert_eq!(
        read(&text).text(),
        "\
error: unknown key `lamda`
  --> s.toml:13:1
   |
13 | lamda = 0.5
   | ^^^^^ expected one of `lambda`, `lambda_energy`, `combine`, `prices`
   |
   = help: did you mean `lambda`?
   = example: lambda = 0.1"
    );
}

#[test]
fn a_misspelt_kind_is_answered_with_the_kinds() {
    let outcome = read(&VALID.replace("\"energy-penalty\"", "\"energy-penaly\""));
    let fault = outcome.faults.iter().next().unwrap();
    assert_eq!(outcome.faults.len(), 1, "{}", outcome.text());
    assert_eq!((fault.kind, fault.pointer.as_str()), (FaultKind::UnknownKind, "router[1].kind"));
    assert_eq!(fault.message, "unknown router kind `energy-penaly`");
    assert_eq!(fault.hint.as_deref(), Some("did you mean `energy-penalty`?"));
    assert!(fault.expected.as_ref().unwrap().contains("`top-k`"));
}

#[test]
fn a_missing_kind_is_answered_with_the_kinds_too() {
    // A key of another kind than the example's must not be blamed.
    let outcome = read(&VALID.replace("kind = \"top-k\"\n", "eta = 1\n"));
    let fault = outcome.faults.iter().next().unwrap();
    assert_eq!(outcome.faults.len(), 1, "{}", outcome.text());
    assert_eq!((fault.kind, fault.pointer.as_str()), (FaultKind::MissingKey, "router[0].kind"));
    assert_eq!(outcome.lines()[0], "9:1 router[0].kind missing key `kind` in `router[0]`");
    assert!(fault.expected.as_ref().unwrap().contains("`energy-penalty`"));
    assert_eq!(fault.example.as_deref(), Some("kind = \"top-k\""));
}

#[derive(Debug, Deserialize)]
struct Wrapped {
    #[allow(dead_code)]
    router: Box<dyn Router>,
}

#[test]
fn kinds_are_listed_for_a_missing_kind_without_an_example() {
    let mut sources = SourceMap::new();
    let file = sources.add("s.toml", "[router]\nlambda = 1\n");
    let mut faults = Faults::new();
    let tree = Tree::parse(&sources, file, &mut faults).unwrap();
    assert!(deserialize::<Wrapped>(tree.root(), "", &mut faults).is_none());
    let fault = faults.iter().next().unwrap();
    assert_eq!(faults.len(), 1);
    assert_eq!(fault.expected.as_deref(), Some("one of `energy-penalty`, `fallback`, `lenient`, `top-k`"));
}

#[test]
fn a_wrong_type_deep_inside_of_a_trait_object_is_found() {
    let text = VALID.replace("joules = 2.0, count = 4", "joules = 2.0, count = '4'");
    let outcome = read(&text);
    assert_eq!(
        outcome.lines(),
        ["18:63 router[1].prices.tiers[1].count wrong type for `count`: found the string \"4\""]
    );
    let fault = outcome.faults.iter().next().unwrap();
    assert_eq!(fault.expected.as_deref(), Some("a whole number from 0 to 255"));
}
