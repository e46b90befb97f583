//! Kinds of a library as scenarios name them: faults at their lines, resolved options, and what was used.

use isotherm_core::config::{Faults, SourceMap, Tree};
use isotherm_core::router::RouterSpec;
use isotherm_plugin_host::{Discovery, Environment, Places, Plugins};

use crate::build::Libraries;
use crate::catalogue::Controls;

#[test]
fn faults_stand_at_the_line_that_is_wrong() {
    let Some(controls) = Controls::new() else { return };
    let subject = controls.subject("acme/controls");
    let found = controls.router("lamda = 1\n").unwrap_err();
    for part in
        ["a.toml:2:1", "unknown key `lamda`", "one of `form`, `lambda`", "did you mean `lambda`?", "lambda = 0.1"]
    {
        assert!(found.contains(part), "{part} in\n{found}");
    }
    let found = controls.router("form = 'scores'\nlambda = -1\n").unwrap_err();
    for part in ["a.toml:3:10", "value out of range for `lambda`", "a number of at least 0", "lambda = 0.1"] {
        assert!(found.contains(part), "{part} in\n{found}");
    }
    let found = controls.router("form = 3\nlambda = 'x'\n").unwrap_err();
    assert!(found.contains("a.toml:2:8") && found.contains("a.toml:3:10"), "both of them in\n{found}");
    let found = controls.router("form = 'scores'\nlambda = 13\n").unwrap_err();
    for part in ["a.toml:3:10", "13 brings bad luck", "expected any other number", "lambda = 0.1"] {
        assert!(found.contains(part), "only the plugin knows: {part} in\n{found}");
    }
    let found = controls.router("lambda = 1\nform = 'no-object'\n").unwrap_err();
    assert!(found.contains(&format!("{subject} has written `[1]` as its options; expected a JSON object")), "{found}");
    let found = controls.router("lambda = 1\nform = 'no-configure'\n").unwrap_err();
    assert!(found.contains(&format!("{subject} failed while checking its options: out of order")), "{found}");
}

#[test]
fn an_unknown_name_points_to_the_kind() {
    let Some(controls) = Controls::new() else { return };
    let found = controls.named_router("acme/control", "").unwrap_err();
    for part in ["a.toml:1:8", "no plugin offers the router `acme/control`", "did you mean `acme/controls`?", "(named)"]
    {
        assert!(found.contains(part), "{part} in\n{found}");
    }
    let found = controls.named_router("acme/echo", "").unwrap_err();
    assert!(found.contains("`acme/echo` is a telemetry source, not a router"), "{found}");
}

#[test]
fn a_library_that_is_refused_when_it_is_opened_is_a_fault_of_the_kind() {
    let Some(libraries) = Libraries::new() else { return };
    let file = libraries.build("refused", "shy", &["ANSWERS_NULL"]);
    let places = Places { named: &[file], scenario: None, environment: &Environment::default() };
    let plugins = Plugins::new(Discovery::search(&places));
    let controls = Controls::of(plugins, libraries);
    let found = controls.named_router("acme/small", "").unwrap_err();
    for part in ["a.toml:1:8", "found that the plugin refuses interface 1.1", "ask for a version for this isotherm"] {
        assert!(found.contains(part), "{part} in\n{found}");
    }
}

#[test]
fn the_resolved_scenario_has_every_default() {
    let Some(controls) = Controls::new() else { return };
    let spec = controls.router("lambda = 2\n").unwrap();
    let text = toml::to_string(&*spec).unwrap();
    assert_eq!(text, "kind = \"acme/controls\"\nform = \"prices\"\nlambda = 2\n");
    let mut sources = SourceMap::new();
    let file = sources.add("resolved.toml", text.as_str());
    assert!(Tree::parse(&sources, file, &mut Faults::new()).is_some());
    let options = text.split_once('\n').unwrap().1;
    assert_eq!(toml::to_string(&*controls.router(options).unwrap()).unwrap(), text, "reading it again changes nothing");
    assert_eq!(spec.typetag_name(), "acme/controls");
    let idle = controls.named_router("acme/idle", "any = [1, { x = 2.5 }]\n").unwrap();
    let kept = toml::to_string(&*idle).unwrap();
    assert!(kept.starts_with("kind = \"acme/idle\"\nany = [1, ") && kept.contains("x = 2.5"), "{kept}");
}

#[test]
fn traits_follow_from_options() {
    let Some(controls) = Controls::new() else { return };
    let traits = |form: &str| {
        let spec: Box<dyn RouterSpec> = controls.router(&format!("lambda = 1\nform = '{form}'\n")).unwrap();
        (spec.uses_oracle(), spec.is_reference())
    };
    assert_eq!(
        [traits("oracle"), traits("reference"), traits("prices")],
        [(true, false), (false, true), (false, false)]
    );
}

#[test]
fn what_was_used_is_remembered_with_its_file() {
    let Some(controls) = Controls::new() else { return };
    assert!(controls.plugins.used().is_empty(), "nothing is opened before it is named");
    controls.router("lambda = 13\n").unwrap_err();
    assert!(controls.plugins.used().is_empty(), "a refused table uses nothing");
    controls.router("lambda = 1\n").unwrap();
    controls.placement("").unwrap();
    let used = controls.plugins.used();
    let names: Vec<&str> = used.iter().map(|used| used.item.name.as_str()).collect();
    assert_eq!(names, ["acme/controls", "acme/reverse"]);
    assert_eq!((used[0].package.as_str(), used[0].version.as_str(), used[0].abi), ("acme-controls", "0.3.1", (1, 1)));
    assert!(used[0].path.is_absolute() && used[0].path.ends_with(&controls.file_name));
    let digits = used[0].sha256.bytes().filter(u8::is_ascii_hexdigit).count();
    assert_eq!((digits, &used[0].sha256), (64, &used[1].sha256));
}
