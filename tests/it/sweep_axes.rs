//! Axes of a sweep: which points they make, in which order, under which names; and what is said where they make none.

use std::path::Path;

use isotherm::execute::Comparison;
use isotherm::scenario_file::{Overrides, ScenarioFile, SweepFile};

use crate::lab::{from_text, root, small};

const ROUTERS: &str = "[[router]]\nkind = \"energy-penalty\"\nlambda = 0.5\n[[router]]\nkind = \"ttt\"\nlambda = 0.1\n";

/// The small scenario with two routers and this sweep.
fn swept(sweep: &str) -> String {
    format!("{}{sweep}\n", small(ROUTERS))
}

fn lazily(text: &str, set: &[&str]) -> Result<SweepFile, String> {
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    let overrides = Overrides { set: &set, ..Overrides::default() };
    ScenarioFile::lazily_from_text("s.toml", text, root(), &overrides).map_err(|fault| fault.to_string())
}

fn sweep(text: &str) -> SweepFile {
    lazily(text, &[]).unwrap_or_else(|fault| panic!("{fault}"))
}

/// Every run of a scenario: where it stands, its router, seed and id.
fn runs(file: &ScenarioFile) -> Vec<String> {
    let comparison = Comparison::prepare(file).unwrap_or_else(|fault| panic!("{fault}"));
    let line = |run: &isotherm::execute::Run| {
        let world = &file.plan.worlds[run.world];
        let variant = &world.variants[run.variant];
        let point = world.point.iter().chain(&variant.point).map(|at| format!(" {}={}", at.axis, at.value));
        format!("{}{} #{} {}", variant.label, point.collect::<String>(), run.seed, run.id)
    };
    comparison.runs().iter().map(line).collect()
}

fn without_ids(runs: &[String]) -> Vec<&str> {
    runs.iter().filter_map(|run| run.rsplit_once(" #")).map(|(run, _)| run).collect()
}

fn points(sweep: &SweepFile) -> Vec<String> {
    let text = |world| sweep.point(world).iter().map(|at| at.value.clone()).collect::<Vec<_>>().join(" ");
    (0..sweep.worlds()).map(text).collect()
}

const CROSSED: &str = "[sweep]
\"workload.sigma\" = [2.0, 1.0]
\"hardware.idle_power\" = [\"10 W\", \"20 W\", \"30 W\"]
\"router[1].eta\" = [1.0, 2.0]
[[sweep.zip]]
\"model.top_k\" = [1, 2]
\"router[0].lambda\" = [0.3, 0.6]
[[sweep.exclude]]
\"workload.sigma\" = 2
\"hardware.idle_power\" = [\"10 W\", \"30 W\"]
[[sweep.exclude]]
\"model.top_k\" = 2
\"router[1].eta\" = 2.0
";

#[test]
fn a_part_is_a_slice_of_the_whole() {
    let text = swept(CROSSED);
    let (whole, sweep) = (from_text(&text), sweep(&text));
    assert_eq!((whole.plan.worlds.len(), sweep.worlds()), (8, 8));
    let expected = runs(&whole);
    for cuts in [vec![0, 8], vec![0, 1, 2, 3, 4, 5, 6, 7, 8], vec![0, 3, 3, 7, 8]] {
        let parts: Vec<ScenarioFile> =
            cuts.windows(2).map(|cut| sweep.part(cut[0]..cut[1]).unwrap_or_else(|fault| panic!("{fault}"))).collect();
        assert_eq!(parts.iter().flat_map(runs).collect::<Vec<_>>(), expected, "{cuts:?}");
        for part in parts {
            assert_eq!((part.hash, part.resolved), (whole.hash.clone(), whole.resolved.clone()));
        }
    }
}

#[test]
fn a_zip_and_an_exclude_may_cross_worlds_and_routers() {
    let expected = [
        "baseline workload.sigma=2 hardware.idle_power=20 W model.top_k=1",
        "energy-penalty workload.sigma=2 hardware.idle_power=20 W model.top_k=1 router[0].lambda=0.3",
        "ttt workload.sigma=2 hardware.idle_power=20 W model.top_k=1 router[1].eta=1",
        "ttt workload.sigma=2 hardware.idle_power=20 W model.top_k=1 router[1].eta=2",
        "baseline workload.sigma=2 hardware.idle_power=20 W model.top_k=2",
        "energy-penalty workload.sigma=2 hardware.idle_power=20 W model.top_k=2 router[0].lambda=0.6",
        "ttt workload.sigma=2 hardware.idle_power=20 W model.top_k=2 router[1].eta=1",
    ];
    let mut runs = runs(&from_text(&swept(CROSSED).replace("seeds = 2", "seeds = 1")));
    runs.truncate(expected.len());
    assert_eq!(without_ids(&runs), expected);
}

#[test]
fn a_scenario_that_is_written_back_makes_the_same_points() {
    let first = sweep(&swept(CROSSED));
    let again = lazily(&first.frozen, &[]).unwrap_or_else(|fault| panic!("{fault}\n{}", first.frozen));
    assert_eq!((again.hash.as_str(), again.frozen.as_str()), (first.hash.as_str(), first.frozen.as_str()));
    let all = |sweep: &SweepFile| runs(&sweep.part(0..sweep.worlds()).unwrap_or_else(|fault| panic!("{fault}")));
    assert_eq!(all(&again), all(&first));
    // Here no default depends on the point, so that the resolved scenario does, too.
    let resolved = lazily(&first.resolved, &[]).unwrap_or_else(|fault| panic!("{fault}\n{}", first.resolved));
    assert_eq!(all(&resolved), all(&first));
}

#[test]
fn no_run_is_renamed_by_an_axis_a_value_or_a_seed_more() {
    let ids =
        |sweep: &str| runs(&from_text(&swept(sweep))).iter().map(|run| run[run.len() - 16..].to_owned()).collect();
    let before: Vec<String> = ids("[sweep]");
    for more in [
        // A value more, one of a new axis that is the default, another seed.
        "[sweep]\n\"workload.sigma\" = [0.5, 1.0]",
        "[sweep]\n\"router_host.joules_per_operation\" = [0.0, 1e-9]",
        "[sweep]\n\"router.lambda\" = [0.5, 0.1]",
        "[sweep]\nseeds = [2, 3]",
        "[[sweep.zip]]\n\"model.experts\" = [8, 16]\n\"model.top_k\" = [2, 4]",
    ] {
        let after: Vec<String> = ids(more);
        let missing: Vec<&String> = before.iter().filter(|id| !after.contains(id)).collect();
        assert!(missing.is_empty() && after.len() > before.len(), "{more}: {missing:?}");
    }
}

#[test]
fn an_axis_over_seeds_means_other_tokens() {
    let text = swept("[sweep]\nseed = [1, 2, 3]").replace("seeds = 2", "seeds = 1");
    let file = from_text(&text);
    let seeds: Vec<u64> = file.plan.worlds.iter().map(|world| world.scenario.seed).collect();
    assert_eq!(seeds, [1, 2, 3]);
    let all = runs(&file);
    let mut ids: Vec<&str> = all.iter().map(|run| &run[run.len() - 16..]).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9);
    // The second point is the run with that seed and no sweep.
    let alone = runs(&from_text(&swept("").replace("seeds = 2", "seeds = 1\nseed = 2")));
    assert_eq!(
        all[3..6].iter().map(|run| &run[run.len() - 16..]).collect::<Vec<_>>(),
        alone.iter().map(|run| &run[run.len() - 16..]).collect::<Vec<_>>()
    );
}

#[test]
fn whole_routers_are_an_axis() {
    let text = swept(
        "[sweep]
\"router.lambda\" = [0.1, 0.2]
\"router[1]\" = [{ kind = \"dual-ascent\", cap = 1.0 }, { kind = \"tent\", eta = 0.1, name = \"control\" }, { kind = \"ucb\", lambda = 9.0 }]",
    )
    .replace("seeds = 2", "seeds = 1");
    assert_eq!(
        without_ids(&runs(&from_text(&text))),
        [
            "baseline",
            "energy-penalty router.lambda=0.1",
            "energy-penalty router.lambda=0.2",
            "dual-ascent router[1]=dual-ascent { cap = 1 }",
            "control router[1]=tent { eta = 0.1, name = control }",
            "ucb router.lambda=0.1 router[1]=ucb { lambda = 9 }",
            "ucb router.lambda=0.2 router[1]=ucb { lambda = 9 }",
        ]
    );
}

#[test]
fn all_routers_together_are_an_axis_like_any_other_key() {
    let text = swept(
        "[sweep]
router = [[{ kind = \"ttt\", lambda = 0.1 }], [{ kind = \"baseline\" }, { kind = \"tent\", eta = 0.1 }]]
\"router.lambda\" = [0.1, 0.2]",
    )
    .replace("seeds = 2", "seeds = 1");
    let runs = runs(&from_text(&text));
    let (first, second) = ("router=[ttt { lambda = 0.1 }]", "router=[baseline, tent { eta = 0.1 }]");
    let expected = [
        format!("baseline {first}"),
        format!("ttt {first} router.lambda=0.1"),
        format!("ttt {first} router.lambda=0.2"),
        format!("baseline {second}"),
        format!("tent {second}"),
    ];
    assert_eq!(without_ids(&runs), expected);
    // No [[router]] is needed beside it.
    let alone = text.replace(ROUTERS, "");
    assert_eq!(without_ids(&self::runs(&from_text(&alone))), expected);
}

#[test]
fn an_assignment_to_a_swept_key_replaces_its_axis() {
    let text = swept(
        "[sweep]
\"workload.sigma\" = [1.0, 2.0]
hardware.idle_power = [\"10 W\", \"20 W\"]
\"router.lambda\" = [0.1, 0.2]
[[sweep.zip]]
\"model.experts\" = [8, 16]
\"model.top_k\" = [2, 4]
[[sweep.exclude]]
\"workload.sigma\" = 2.0
\"model.experts\" = 8
",
    );
    let with = |set: &[&str]| points(&lazily(&text, set).unwrap_or_else(|fault| panic!("{fault}")));
    assert_eq!(with(&[]).len(), 6);
    assert_eq!(with(&["hardware.idle_power=30 W"]), ["1 8 2", "1 16 4", "2 16 4"]);
    // What is set is not excluded any more, or only what else is in the exclude.
    assert_eq!(with(&["workload.sigma=2", "hardware.idle_power=30 W"]), ["16 4"]);
    assert_eq!(with(&["workload.sigma=3", "hardware.idle_power=30 W"]), ["8 2", "16 4"]);
    assert_eq!(with(&["model.experts=12", "hardware.idle_power=30 W"]), ["1 2", "1 4", "2 2", "2 4"]);
    let lambdas = |set: &str| {
        let sweep = lazily(&text, &[set]).unwrap_or_else(|fault| panic!("{fault}"));
        sweep.world(0).unwrap_or_else(|fault| panic!("{fault}")).variants.len()
    };
    assert_eq!((lambdas("seeds=1"), lambdas("router.lambda=0.3")), (5, 3));
    let fault = lazily(&text, &["router[1].lambda=0.3"]).unwrap_err();
    assert!(fault.contains("the sweep over `router.lambda` puts its own values there"), "{fault}");
    assert!(fault.contains("--set router[1].lambda=0.3"), "{fault}");
}

#[test]
fn files_of_a_sweep_are_found_from_the_scenario_and_belong_to_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.csv"), "a").unwrap();
    std::fs::write(folder.path().join("b.csv"), "b").unwrap();
    let text = small(ROUTERS).replace("scenarios/hardware", &root().join("scenarios/hardware").display().to_string());
    let read = |sweep: &str| {
        let text =
            text.replace("kind = \"closed-loop\", batches = 12, tokens = 96", "kind = \"trace\", file = \"a.csv\"");
        ScenarioFile::lazily_from_text("s.toml", &format!("{text}{sweep}"), folder.path(), &Overrides::default())
            .unwrap_or_else(|fault| panic!("{fault}"))
    };
    let names = |sweep: &SweepFile| -> Vec<(String, String)> {
        let name = |path: &str| Path::new(path).file_name().unwrap().to_str().unwrap().to_owned();
        sweep.data_files.iter().map(|file| (name(&file.path), file.sha256[..6].to_owned())).collect()
    };
    let both = [("a.csv".to_owned(), "ca9781".to_owned()), ("b.csv".to_owned(), "3e23e8".to_owned())];
    for sweep in [
        "[sweep]\n\"arrivals.file\" = [\"a.csv\", \"b.csv\"]\n[[sweep.exclude]]\n\"arrivals.file\" = \"a.csv\"\n",
        "[[sweep.zip]]\narrivals.file = [\"a.csv\", \"b.csv\"]\nseed = [1, 2]\n[[sweep.exclude]]\nseed = 1\n",
        "[sweep]\narrivals = [{ kind = \"trace\", file = \"a.csv\" }, { kind = \"trace\", file = \"b.csv\" }]\n",
    ] {
        let sweep = read(sweep);
        assert_eq!(names(&sweep), both);
        let world = sweep.world(sweep.worlds() - 1).unwrap_or_else(|fault| panic!("{fault}"));
        let arrivals = format!("{:?}", world.scenario.arrivals);
        assert!(arrivals.contains(&folder.path().join("b.csv").display().to_string()), "{arrivals}");
    }
}

/// A sweep, what is said about it, and the line that it is said about.
const FAULTS: &[(&str, &str, usize)] = &[
    ("\"modl.top_k\" = [1, 2]", "unknown key `modl`", 17),
    ("\"model.topk\" = [1, 2]", "did you mean `top_k`?", 17),
    ("\"router.lamda\" = [0.1]", "did you mean `lambda`?", 17),
    ("\"router[7].lambda\" = [0.1]", "no router has the option `router[7].lambda`", 17),
    ("\"router[7]\" = [{ kind = \"tent\", eta = 0.1 }]", "no router has the option `router[7]`", 17),
    ("\"model.top_k\" = []", "the sweep over `model.top_k` has no values", 17),
    ("\"model.top_k\" = 3", "is a whole number, not an array", 17),
    ("\"model.top_k\" = [1]\nmodel.top_k = [2]", "`model.top_k` is swept twice", 18),
    ("\"router.lambda\" = [1.0]\n\"router[*].lambda\" = [2.0]", "is swept twice", 18),
    ("\"router.lambda\" = [1.0]\n\"router[1].lambda\" = [2.0]", "both sweep this option of router[1]", 18),
    ("[[sweep.zip]]\n\"model.top_k\" = [1, 2, 3]\nseed = [1, 2]", "`model.top_k` has 3, `seed` has 2", 18),
    ("seed = [1]\n[[sweep.zip]]\nseed = [2]", "`seed` is swept twice", 19),
    ("[[sweep.zip]]\n\"model.top_k\" = []", "has no values", 18),
    ("zip = [1]", "`zip` has a whole number", 17),
    ("seed = [1, 2]\n[[sweep.exclude]]\nsede = 1", "did you mean `seed`?", 19),
    ("seed = [1, 2]\n[[sweep.exclude]]\n\"model.top_k\" = 2", "`model.top_k` is excluded, but it is not swept", 19),
    ("seed = [1, 2]\n[[sweep.exclude]]\nseed = 3", "`seed` is never 3 in this sweep", 19),
    ("seed = [1, 2]\n[[sweep.exclude]]\nseed = [1, 3]", "`seed` is never 3 in this sweep", 19),
    ("seed = [1, 2]\n[[sweep.exclude]]", "names no axis", 18),
    ("seed = [1, 2]\n[[sweep.exclude]]\nseed = [1, 2]", "this exclude leaves no point of the sweep", 18),
    (
        "seed = [1]\n\"router.lambda\" = [0.1]\n[[sweep.exclude]]\n\"router.lambda\" = 0.1",
        "leaves no point of the router",
        19,
    ),
    (
        "[[sweep.zip]]\nseed = [1, 2]\n\"model.top_k\" = [1, 2]\n[[sweep.exclude]]\nseed = 1\n\"model.top_k\" = 2",
        "this exclude matches no point of the sweep",
        20,
    ),
    (
        "\"router[0].lambda\" = [0.1, 1.0]\n\"router[1].lambda\" = [0.2, 1.0]\n[[sweep.exclude]]\n\"router[0].lambda\" = 0.1\n\"router[1].lambda\" = 0.2",
        "this exclude matches no point of the sweep",
        19,
    ),
];

#[test]
fn a_sweep_that_makes_no_sense_is_one_message_with_its_line() {
    for (sweep, message, line) in FAULTS {
        let fault = lazily(&swept(&format!("[sweep]\n{sweep}")), &[]).map(|_| ()).expect_err(sweep);
        assert!(fault.contains(message), "{sweep}\n{fault}");
        assert!(fault.contains(&format!("--> s.toml:{line}:")), "{sweep}: line {line}\n{fault}");
        assert_eq!(fault.matches("error:").count(), 1, "{sweep}\n{fault}");
    }
}

#[test]
fn faults_of_many_points_are_a_few_messages() {
    // Each of 2500 points asks for another number of experts a token than there are.
    let many: Vec<String> = (100..150).map(|k| k.to_string()).collect();
    let text = swept(&format!(
        "[sweep]\n\"model.top_k\" = [{}]\nseed = [{}]",
        many.join(", "),
        (0..50).map(|seed| seed.to_string()).collect::<Vec<_>>().join(", ")
    ));
    let fault = ScenarioFile::from_text("s.toml", &text, root(), &[]).unwrap_err().to_string();
    let messages = fault.matches("error:").count();
    assert!((2..=25).contains(&messages), "{messages}\n{fault}");
    assert!(fault.contains("more points were not looked at"), "{fault}");
    // Read lazily, a world says what is wrong with it when it is asked for.
    let later = swept("[sweep]\n\"model.top_k\" = [1, 100]");
    let sweep = sweep(&later);
    let fault = sweep.part(1..2).unwrap_err().to_string();
    assert!(sweep.part(0..1).is_ok() && fault.contains("100 of 8 experts") && fault.contains("s.toml:17:"), "{fault}");
}

#[test]
fn the_shipped_scenarios_make_the_same_runs_one_world_at_a_time() {
    for name in ["classic.toml", "placement-8gpu.toml", "frontier.toml"] {
        let path = root().join("scenarios").join(name);
        let whole = ScenarioFile::read(&path, &[]).unwrap_or_else(|fault| panic!("{fault}"));
        let sweep = ScenarioFile::read_lazily(&path, &Overrides::default()).unwrap_or_else(|fault| panic!("{fault}"));
        let last = sweep.worlds() - 1;
        let part = sweep.part(last..last + 1).unwrap_or_else(|fault| panic!("{fault}"));
        assert!(runs(&whole).ends_with(&runs(&part)), "{name}");
        assert_eq!(sweep.hash, whole.hash, "{name}");
        let again = ScenarioFile::lazily_from_text(name, &sweep.frozen, Path::new("/nowhere"), &Overrides::default());
        assert_eq!(again.unwrap_or_else(|fault| panic!("{fault}")).hash, whole.hash, "{name}");
    }
}
