//! Bad input of every kind: one clear message with a place, the documented exit code, nothing half-written.

use std::path::Path;

use crate::lab::{SENSOR, isotherm, root, small, text};

const ROUTER: &str = "[[router]]\nkind = \"energy-penalty\"\nlambda = 0.5\n";

/// A folder with a scenario in it whose paths work.
fn folder_with(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.toml"), scenario).unwrap();
    let profiles = folder.path().join("scenarios/hardware");
    std::fs::create_dir_all(&profiles).unwrap();
    std::fs::copy(root().join("scenarios/hardware/h200-sxm.toml"), profiles.join("h200-sxm.toml")).unwrap();
    folder
}

/// Runs the scenario and expects this exit code and these texts on standard error, and no results.
fn expect(scenario: &str, code: i32, messages: &[&str]) {
    let folder = folder_with(scenario);
    let (found, out, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out"]));
    assert_eq!(found, code, "exit code\n{err}");
    assert_eq!(out, "", "data on standard output");
    for message in messages {
        assert!(err.contains(message), "expected `{message}` in\n{err}");
    }
    assert!(!err.contains("panicked"), "{err}");
    assert!(!folder.path().join("out").exists(), "something was written");
}

/// The small scenario with one text in the place of another.
fn with(from: &str, to: &str) -> String {
    let scenario = small(ROUTER);
    assert!(scenario.contains(from), "{from}");
    scenario.replacen(from, to, 1)
}

#[test]
fn unknown_key() {
    let scenario = with("lambda = 0.5", "lambda = 0.5\nlamda = 0.1");
    expect(&scenario, 3, &["error: unknown key `lamda`", "--> s.toml:13:1", "did you mean `lambda`?"]);
}

#[test]
fn an_unknown_key_of_a_router_may_mean_what_all_routers_share() {
    for (wrong, meant) in [
        ("flor = 1", "did you mean `floor`?"),
        ("combin = \"penalised\"", "did you mean `combine`?"),
        ("similarty = 1", "did you mean `similarity`?"),
        ("nam = \"a\"", "did you mean `name`?"),
    ] {
        let scenario = with("lambda = 0.5", &format!("lambda = 0.5\n{wrong}"));
        expect(&scenario, 3, &["error: unknown key", "--> s.toml:13:1", meant]);
    }
    let scenario = with("lambda = 0.5", "lambda = 0.5\nfrobnicate = 1");
    expect(&scenario, 3, &["`lambda`", "`floor`, `combine`, `similarity`, `name`"]);
    // Deeper tables have keys of their own.
    let scenario = with("lambda = 0.5", "lambda = 0.5\nsimilarity = { matrix = [[1.0]], flor = 1 }");
    expect(&scenario, 3, &["error: unknown key `flor`", "expected one of `matrix`, `charge`"]);
}

#[test]
fn misspelt_kind_names_the_nearest() {
    expect(
        &with("energy-penalty", "energy-penaly"),
        3,
        &["s.toml:11:8", "energy-penaly", "did you mean `energy-penalty`?"],
    );
    expect(&with("\"gaussian\"", "\"gausian\""), 3, &["s.toml:5:", "did you mean `gaussian`?"]);
}

#[test]
fn wrong_unit() {
    let scenario = with("\"20 ms\"", "\"20 W\"");
    expect(&scenario, 3, &["s.toml:9:", "`20 W` is not a duration", "ms"]);
}

#[test]
fn not_a_number() {
    expect(&with("lambda = 0.5", "lambda = nan"), 3, &["s.toml:12:10", "finite"]);
    expect(&with("hot_joules = 2.0", "hot_joules = inf"), 3, &["s.toml:7:", "finite"]);
}

#[test]
fn negative_power_and_costs() {
    expect(
        &with("gpus = 4,", "gpus = 4, idle_power = \"-5 W\","),
        3,
        &["s.toml:8:", "negative", "idle_power = \"80 W\""],
    );
    expect(&with("cold_joules = 0.5", "cold_joules = -0.5"), 3, &["s.toml:7:", "negative", "cold_joules = 0.5"]);
    expect(&with("lambda = 0.5", "lambda = -1.0"), 3, &["s.toml:12:10", "at least 0", "lambda = 0.1"]);
}

#[test]
fn more_experts_a_token_than_there_are() {
    expect(
        &with("top_k = 2", "top_k = 9"),
        3,
        &["s.toml:4:", "9 of 8 experts", "from 1 to the number of experts, 8", "top_k = 2"],
    );
}

#[test]
fn empty_sweep() {
    expect(
        &(small(ROUTER) + "[sweep]\n\"router.lambda\" = []\n"),
        3,
        &["s.toml:14:", "has no values", "\"router.lambda\" = [0.0, 0.1, 0.5]"],
    );
    expect(
        &(small(ROUTER) + "[sweep]\n\"router.lamda\" = [0.1]\n"),
        3,
        &["s.toml:14:", "no router has the option `router.lamda`"],
    );
}

#[test]
fn all_faults_at_once() {
    let scenario = small(ROUTER)
        .replace("seeds = 2", "seeds = 2\nsedes = 3")
        .replace("top_k = 2", "top_k = 9")
        .replace("sigma = 1.0", "sigma = \"wide\"")
        .replace("gpus = 4", "gpus = 4.0")
        .replace("lambda = 0.5", "lambda = true");
    let places = ["s.toml:4:1", "s.toml:6:", "s.toml:9:", "s.toml:13:10"];
    expect(&scenario, 3, &places);
    // Meaning is checked once the types are right.
    let scenario = with("top_k = 2", "top_k = 9")
        .replace("cold_joules = 0.5", "cold_joules = -0.5")
        .replace("hot = [6, 7]", "hot = [6, 8]");
    expect(&scenario, 3, &["9 of 8 experts", "negative", "there is no expert 8"]);
}

#[test]
fn broken_toml() {
    expect("schema_version = 1\nname = \"a\n", 3, &["s.toml:2:"]);
    expect("", 3, &["s.toml"]);
}

#[test]
fn missing_files() {
    let empty = tempfile::tempdir().unwrap();
    let (code, _, err) = text(&isotherm(empty.path(), &["run", "nowhere.toml"]));
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("nowhere.toml") && err.contains("scenarios/classic.toml"), "{err}");

    let scenario =
        with("{ kind = \"closed-loop\", batches = 12, tokens = 96 }", "{ kind = \"trace\", file = \"trace.csv\" }");
    expect(&scenario, 4, &["trace.csv"]);
    expect(&with("h200-sxm.toml", "h300.toml"), 3, &["s.toml:8:", "h300.toml"]);
}

fn replay(file: &str) -> String {
    with(SENSOR, &format!("{{ kind = \"replay\", files = [{file:?}] }}"))
        .replace(", temperature_limit = \"60 degC\"", "")
}

/// As [`expect`], with a data file beside the scenario.
fn expect_with_data(scenario: &str, name: &str, data: &[u8], messages: &[&str]) {
    let folder = folder_with(scenario);
    std::fs::write(folder.path().join(name), data).unwrap();
    for command in [&["run", "s.toml", "--out", "out"][..], &["validate", "s.toml"]] {
        let (code, _, err) = text(&isotherm(folder.path(), command));
        assert_eq!(code, 4, "{err}");
        for message in messages {
            assert!(err.contains(message), "expected `{message}` in\n{err}");
        }
    }
}

#[test]
fn truncated_gzip() {
    let whole = std::fs::read(root().join("scenarios/data/h200/single-1.csv.gz")).unwrap();
    expect_with_data(&replay("cut.csv.gz"), "cut.csv.gz", &whole[..whole.len() / 2], &["cut.csv.gz", "gzip"]);
}

#[test]
fn trace_out_of_order() {
    let scenario =
        with("{ kind = \"closed-loop\", batches = 12, tokens = 96 }", "{ kind = \"trace\", file = \"t.csv\" }");
    let rows = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:04.0,100,10\n2023-11-16 18:17:03.0,100,10\n";
    expect_with_data(&scenario, "t.csv", rows.as_bytes(), &["t.csv:3"]);
    expect_with_data(&scenario, "t.csv", b"TIMESTAMP,Tokens\n1,2\n", &["t.csv", "ContextTokens"]);
}

#[test]
fn folder_that_cannot_be_written() {
    let folder = folder_with(&small(ROUTER));
    std::fs::write(folder.path().join("occupied"), "a file").unwrap();
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "occupied"]));
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("occupied") && err.contains("choose another folder"), "{err}");
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "/proc/nowhere"]));
    assert_eq!(code, 5, "{err}");
}

#[test]
fn results_of_another_scenario_are_not_overwritten() {
    let folder = folder_with(&small(ROUTER));
    let run = |arguments: &[&str]| text(&isotherm(folder.path(), arguments));
    assert_eq!(run(&["run", "s.toml", "--out", "out"]).0, 0);
    let before = std::fs::read(folder.path().join("out/summary.json")).unwrap();
    let (code, _, err) = run(&["run", "s.toml", "--out", "out", "--set", "router.lambda=0.7"]);
    assert_eq!(code, 5, "{err}");
    assert!(err.contains("another scenario") && err.contains("--force"), "{err}");
    assert_eq!(std::fs::read(folder.path().join("out/summary.json")).unwrap(), before);
    assert_eq!(run(&["run", "s.toml", "--out", "out", "--set", "router.lambda=0.7", "--force"]).0, 0);
}

/// A disk without room, as the kernel reports it: no file may grow past 4 KiB.
#[cfg(unix)]
#[test]
fn full_disk_leaves_nothing_half_written_and_loses_nothing() {
    let folder = folder_with(&small(ROUTER).replace("batches = 12", "batches = 60"));
    let limited = format!("trap '' XFSZ; ulimit -f 4; exec {} run s.toml --out out", env!("CARGO_BIN_EXE_isotherm"));
    let output = std::process::Command::new("bash").args(["-c", &limited]).current_dir(folder.path()).output().unwrap();
    let (code, out, err) = text(&output);
    assert_eq!(code, 5, "{err}");
    assert_eq!(out, "");
    assert!(err.contains("cannot write") && err.contains("make room"), "{err}");
    let whole: Vec<_> = files_of(&folder.path().join("out"));
    assert!(!whole.iter().any(|name| name.ends_with(".parquet") || name == "summary.json"), "{whole:?}");
    let (code, _, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out"]));
    assert_eq!(code, 0, "{err}");
}

fn files_of(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).map_or_else(
        |_| Vec::new(),
        |entries| entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect(),
    )
}

#[test]
fn a_failing_run_fails_alone() {
    let routers = format!("{ROUTER}[[router]]\nkind = \"prescribed\"\nusage = [10, 10, 10, 10, 10, 10, 10, 10]\n");
    let folder = folder_with(&small(&routers));
    let (code, out, err) = text(&isotherm(folder.path(), &["run", "s.toml", "--out", "out"]));
    assert_eq!(code, 6, "{err}");
    assert!(out.contains("failed: prescribed with seed 0") && out.contains("used up"), "{out}");
    assert!(out.contains("energy-penalty"), "the others have results: {out}");
}

/// Slips of the hand that would take all memory or all day are refused, not tried.
#[test]
fn absurd_sizes() {
    expect(&with("tokens = 96", "tokens = 4000000000"), 3, &["4000000000", "for example"]);
    expect(
        &with("tokens = 96", "tokens = 9000000").replace("experts = 8,", "experts = 64,"),
        3,
        &["logits", "fewer tokens"],
    );
    expect(&with("batches = 12", "batches = 4000000000"), 3, &["4000000000", "batches = 100"]);
    expect(&with("seeds = 2", "seeds = 4000000000"), 3, &["s.toml:3:", "from 1 to 100000"]);
    expect(&with("experts = 8,", "experts = 4000000000,"), 3, &["from 1 to 65536"]);
    expect(&with("sigma = 1.0", "sigma = 1.0, d_model = 9000000, source = \"hidden\""), 3, &["d_model"]);
}

#[test]
fn command_line_mistakes() {
    let empty = tempfile::tempdir().unwrap();
    for arguments in
        [&["rnu"][..], &["run"], &["run", "a.toml", "--threads", "0"], &["experiment", "--moe-top-k", "two"]]
    {
        let (code, _, err) = text(&isotherm(empty.path(), arguments));
        assert_eq!(code, 2, "{arguments:?}: {err}");
    }
    let (code, _, err) = text(&isotherm(empty.path(), &["experiment", "--lambda-energy", "nan"]));
    assert_eq!(code, 2, "{err}");
    let (code, _, err) = text(&isotherm(empty.path(), &["experiment", "--moe-top-k", "9"]));
    assert_eq!(code, 3, "{err}");
}

#[test]
fn comparisons_that_cannot_be() {
    let compare = |text: &str| small(&format!("[compare]\n{text}\n{ROUTER}"));
    expect(&compare("slo = \"0 s\""), 3, &["s.toml:11:7", "slo = \"100 ms\""]);
    expect(&compare("slo = 100"), 3, &["s.toml:11:7", "slo = \"100 ms\""]);
    expect(&compare("slo = \"100 W\""), 3, &["s.toml:11:7", "is not a duration"]);
    let schedule = "[[\"0 s\", 400.0], [\"1 h\", 250.0]]";
    expect(&compare("carbon_g_per_kwh = -1.0"), 3, &["s.toml:11:20", "-1 g of CO2", schedule]);
    expect(&compare("carbon_g_per_kwh = \"400 g\""), 3, &["s.toml:11:20", "grams of CO2 per kWh"]);
    expect(&compare("carbon_g_per_kwh = []"), 3, &["s.toml:11:20", "from \"0 s\" on", schedule]);
    expect(&compare("carbon_g_per_kwh = [[\"1 s\", 400.0]]"), 3, &["s.toml:11:21", "from \"0 s\" on"]);
    let late = "carbon_g_per_kwh = [[\"0 s\", 400.0], [\"2 s\", 1.0], [\"2 s\", 3.0]]";
    expect(&compare(late), 3, &["s.toml:11:51", "2 s is not after 2 s"]);
    expect(&compare("carbon_g_per_kwh = [[\"0 s\", 1e9]]"), 3, &["s.toml:11:21", "1000000000 g of CO2"]);
    expect(&compare("carbon_g_per_kwh = [400.0, 250.0]"), 3, &["s.toml:11:21"]);
}
