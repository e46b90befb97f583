//! What the tests share: running scenario texts through the library, and the program through its binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use isotherm::execute::{Comparison, Completed};
use isotherm::results::{Finished, Row};
use isotherm::scenario_file::ScenarioFile;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a scenario of the repository with assignments.
pub(crate) fn scenario(name: &str, set: &[&str]) -> ScenarioFile {
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    ScenarioFile::read(&root().join("scenarios").join(name), &set).unwrap_or_else(|fault| panic!("{fault}"))
}

/// Runs a whole comparison in memory.
pub(crate) fn run(file: &ScenarioFile) -> Completed {
    let comparison = Comparison::prepare(file).unwrap_or_else(|fault| panic!("{fault}"));
    comparison.run_all().unwrap_or_else(|fault| panic!("{fault}"))
}

/// The row of a router at a point, as `"router.lambda=0.1"`.
pub(crate) fn row<'a>(completed: &'a Completed, router: &str, point: &str) -> &'a Row {
    let wanted = |row: &&Row| {
        row.router == router
            && (point.is_empty() || row.point.iter().any(|(axis, value)| format!("{axis}={value}") == point))
    };
    completed.summary.rows.iter().find(wanted).unwrap_or_else(|| panic!("no row {router} {point}"))
}

/// Mean of a metric of a row.
pub(crate) fn mean(row: &Row, metric: &str) -> f64 {
    row.metrics.get(metric).unwrap_or_else(|| panic!("no metric {metric} for {}", row.router)).mean
}

/// The runs of a router by its label.
pub(crate) fn runs_of<'a>(file: &ScenarioFile, completed: &'a Completed, router: &str) -> Vec<&'a Finished> {
    let label = |f: &Finished| file.plan.worlds[f.run.world].variants[f.run.variant].label.clone();
    completed.finished.iter().filter(|f| label(f) == router).collect()
}

/// Runs the program in a folder.
pub(crate) fn isotherm(folder: &Path, arguments: &[&str]) -> Output {
    // Tables are drawn with the characters of the locale.
    Command::new(env!("CARGO_BIN_EXE_isotherm"))
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Exit code, standard output and standard error as text.
pub(crate) fn text(output: &Output) -> (i32, String, String) {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap_or(-1), utf8(&output.stdout), utf8(&output.stderr))
}

/// Data that is not part of the repository: `$ISOTHERM_SHARED`, or `../shared` beside it.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let base = std::env::var_os("ISOTHERM_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = base.join(path);
    path.exists().then_some(path)
}

/// A line that is shown even when the test passes.
pub(crate) fn announce(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A sensor all of whose stages do something: refreshes between its readings, windows that start between refreshes, refreshes that are lost.
pub(crate) const SENSOR: &str = "{ kind = \"synthetic\", period = \"20 ms\", lag = \"50 ms\", noise = \"0.5 K\", refresh = \"15 ms\", \
    power = \"instant\", instant_window = \"4 ms\", dropouts = 0.1 }";

/// A small scenario text with a hole for its routers.
pub(crate) fn small(routers: &str) -> String {
    format!(
        "schema_version = 1
name = \"small\"
seeds = 2
model = {{ experts = 8, top_k = 2 }}
workload = {{ kind = \"gaussian\", sigma = 1.0 }}
arrivals = {{ kind = \"closed-loop\", batches = 12, tokens = 96 }}
costs = {{ kind = \"table\", hot = [6, 7], cold_joules = 0.5, hot_joules = 2.0, cold_seconds = 1e-3, hot_seconds = 2e-3 }}
hardware = {{ gpus = 4, profile = \"scenarios/hardware/h200-sxm.toml\", temperature_limit = \"60 degC\" }}
telemetry = {SENSOR}
{routers}"
    )
}

/// The same with the device model: a governor that has something to do, shared air, fans that step, differing GPUs.
pub(crate) fn small_device(routers: &str) -> String {
    format!(
        "schema_version = 1
name = \"small-device\"
seeds = 2
model = {{ experts = 8, top_k = 2 }}
workload = {{ kind = \"gaussian\", sigma = 1.0 }}
arrivals = {{ kind = \"closed-loop\", batches = 9, tokens = 2048 }}
telemetry = {SENSOR}
[costs]
kind = \"device\"
layer = {{ d_model = 4096, d_ff = 14336, layers = 64 }}
[hardware]
gpus = 2
profile = \"tests/fixtures/device.toml\"
power_cap = \"400 W\"
temperature_limit = \"40.5 degC\"
variability = {{ seed = 3, resistance = 0.1, leakage = 0.3, clock = 0.02 }}
[hardware.cooling]
supply = \"30 degC\"
streams = [[0, 1]]
stream_w_per_k = 50.0
settings = [0.5, 1.0]
control = {{ raise_above = \"41 degC\", lower_below = \"40.8 degC\" }}
period = \"70 ms\"
[[change]]
at = \"300 ms\"
supply = \"33 degC\"
{routers}"
    )
}

/// Reads a scenario text whose paths start from the repository's root.
pub(crate) fn from_text(text: &str) -> ScenarioFile {
    ScenarioFile::from_text("test.toml", text, root(), &[]).unwrap_or_else(|fault| panic!("{fault}"))
}

/// Two GPUs of 500 J/K and 10 W/K, so 50 s, in air of 30 degC. Both serve every token, 100 s a batch: GPU 0 at 400 W, GPU 1 at 150 W.
pub(crate) fn lumps(hardware: &str, rest: &str, routers: &str, batches: u32) -> String {
    format!(
        "schema_version = 1
name = \"lumps\"
model = {{ experts = 2, top_k = 2 }}
workload = {{ kind = \"gaussian\" }}
arrivals = {{ kind = \"closed-loop\", batches = {batches}, tokens = 1000 }}
costs = {{ kind = \"table\", hot = [0], cold_joules = 15.0, hot_joules = 40.0, cold_seconds = 0.1, hot_seconds = 0.1 }}
router = {routers}
{rest}
[hardware]
gpus = 2
{hardware}
[hardware.profile]
name = \"lump\"
idle_power = \"0 W\"
ambient = \"30 degC\"
node = [{{ name = \"die\", capacity_j_per_k = 500.0, heat_share = 1.0, ambient_w_per_k = 10.0 }}]
"
    )
}
