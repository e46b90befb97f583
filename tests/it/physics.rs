//! The device model through scenarios: power cap, thermal limits, shutdown, cooling, leakage and the cost of imbalance.

use isotherm::execute::Completed;
use isotherm_core::hardware::ClockReason;
use isotherm_core::record::RunRecord;

use crate::lab::{from_text, run};

/// A scenario on the device of the tests, with holes for hardware, load and more.
struct Bench {
    gpus: u32,
    hardware: &'static str,
    batches: u32,
    tokens: u32,
    more: String,
    routers: &'static str,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            gpus: 2,
            hardware: "",
            batches: 60,
            tokens: 4096,
            more: String::new(),
            routers: "[[router]]\nkind = \"baseline\"",
        }
    }
}

impl Bench {
    fn text(&self) -> String {
        let Self { gpus, hardware, batches, tokens, more, routers } = self;
        format!(
            "schema_version = 1
name = \"physics\"
model = {{ experts = 8, top_k = 2 }}
workload = {{ kind = \"gaussian\", sigma = 1.0 }}
arrivals = {{ kind = \"closed-loop\", batches = {batches}, tokens = {tokens} }}
telemetry = {{ kind = \"synthetic\", period = \"100 ms\" }}
[costs]
kind = \"device\"
layer = {{ d_model = 4096, d_ff = 14336, layers = 32 }}
[hardware]
gpus = {gpus}
profile = \"tests/fixtures/device.toml\"
{hardware}
{more}
{routers}
"
        )
    }

    fn run(&self) -> Completed {
        run(&from_text(&self.text()))
    }

    fn record(&self) -> RunRecord {
        self.run().finished.swap_remove(0).outcome.unwrap()
    }
}

/// Mean clock from the throttle log and the clock integral (MHz).
fn mean_clock(record: &RunRecord) -> f64 {
    record.clock_mhz_seconds.iter().sum::<f64>() / (record.ended.seconds() * record.clock_mhz_seconds.len() as f64)
}

#[test]
fn the_governor_holds_the_power_cap_on_the_mean() {
    let free = Bench { hardware: "power_cap = \"5 kW\"", ..Bench::default() }.record();
    assert!(free.throttled.is_empty() && (mean_clock(&free) - 1980.0).abs() < 1e-6, "{:?}", free.throttled);
    let watts = free.gpu_joules / free.ended.seconds() / 2.0;
    assert!(watts > 700.0, "the load would draw more than the cap: {watts} W");
    // A long run, so that the first second, in which the mean still rises, is a small part.
    let capped = Bench { batches: 600, ..Bench::default() }.record();
    let watts = capped.gpu_joules / capped.ended.seconds() / 2.0;
    assert!((watts / 700.0 - 1.0).abs() < 0.02, "{watts} W");
    assert!(mean_clock(&capped) < 1900.0);
    assert!(capped.throttled.iter().any(|interval| interval.reason == ClockReason::SwPowerCap && interval.gpu == 1));
    let share = capped.throttled_seconds(|reason| reason == ClockReason::SwPowerCap) / (2.0 * capped.ended.seconds());
    assert!(share > 0.95, "{share}");
}

#[test]
fn energy_in_is_heat_stored_and_removed_also_with_leakage_and_changing_flow() {
    let record = Bench {
        gpus: 4,
        hardware: "cooling = { supply = \"28 degC\", streams = [[0, 1], [2, 3]], stream_w_per_k = 80.0, settings = [0.5, 1.0],
                    control = { raise_above = \"60 degC\", lower_below = \"58 degC\" }, fan_power = \"300 W\", period = \"200 ms\" }",
        batches: 300,
        ..Bench::default()
    }
    .record();
    let (out, kept) = (record.removed_joules, record.stored_joules);
    assert!(record.leakage_joules > 0.03 * record.gpu_joules, "{record:?}");
    assert!((record.gpu_joules - out - kept).abs() < 1e-9 * record.gpu_joules, "{} {}", record.gpu_joules, out + kept);
    let balance = (record.gpu_joules - out - kept).abs() / record.gpu_joules;
    println!("measured: run-balance {balance:.2e} relative bound 1e-9");
    // Total energy is the sum of its parts.
    let parts = record.batches.iter().map(|batch| batch.energy_joules).sum::<f64>() + record.idle_joules;
    assert!((parts - record.gpu_joules - record.router_joules).abs() < 1e-9 * parts);
}

/// Both GPUs wait for the slower one, and waiting costs power: measured on two H200s, and modelled here.
#[test]
fn an_uneven_split_costs_energy_and_time() {
    let layer = |heavy: u64, light: u64| {
        // 20 batches x 4096 tokens x top-2 over 8 experts, the first four on GPU 0.
        let total = 20 * 4096 * 2;
        let (a, b) = (total * heavy / 400, total * light / 400);
        let text = Bench { batches: 20, ..Bench::default() }.text().replace(
            "kind = \"baseline\"",
            &format!("kind = \"prescribed\"\nusage = [{a}, {a}, {a}, {a}, {b}, {b}, {b}, {b}]"),
        );
        let completed = run(&from_text(&text));
        let record = completed.finished.into_iter().find(|f| f.run.variant == 1).unwrap().outcome.unwrap();
        (record.energy_joules(), record.ended.seconds())
    };
    let (even, uneven, extreme) = (layer(50, 50), layer(70, 30), layer(90, 10));
    assert!(even.0 < uneven.0 && uneven.0 < extreme.0, "{even:?} {uneven:?} {extreme:?}");
    assert!(even.1 < uneven.1 && uneven.1 < extreme.1, "{even:?} {uneven:?} {extreme:?}");
}

/// What weights from outside come over.
fn link() -> isotherm_core::hardware::Fabric {
    let text = std::fs::read_to_string(crate::lab::root().join("tests/fixtures/device.toml")).unwrap();
    let profile: isotherm_core::hardware::DeviceProfile = toml::from_str(&text).unwrap();
    *profile.interconnect.unwrap().between(false)
}

/// Hot air from the GPU in front, on and on: software slowdown, hardware slowdown, shutdown, failover, each at its limit.
#[test]
fn a_hot_gpu_slows_down_then_switches_off_and_its_experts_move() {
    let bench = Bench {
        hardware:
            "cooling = { supply = \"45 degC\", streams = [[0, 1]], stream_w_per_k = 20.0, conductance_exponent = 0.0,
                    period = \"50 ms\" }",
        batches: 120,
        more: "[[change]]\nat = \"2 s\"\nflow = 0.1\n".to_owned(),
        ..Bench::default()
    };
    let record = bench.record();
    let first = |reason| record.throttled.iter().filter(|i| i.reason == reason && i.gpu == 1).map(|i| i.from).min();
    let software = first(ClockReason::SwThermalSlowdown).expect("software slowdown");
    let hardware = first(ClockReason::HwThermalSlowdown).expect("hardware slowdown");
    let [(lost, at)] = record.lost[..] else { panic!("one GPU is lost: {:?}", record.lost) };
    assert_eq!(lost, 1);
    assert!(software < hardware && hardware < at);
    assert_eq!(first(ClockReason::Shutdown), Some(at));
    // It went at its limit, and nothing of the other GPU was as hot.
    assert!((record.peak_temperature.unwrap() - 95.0).abs() < 1e-6, "{:?}", record.peak_temperature);
    let dropped: u32 = record.batches.iter().map(|batch| batch.dropped).sum();
    assert!(dropped > 0, "its work in hand is dropped");
    for batch in &record.batches {
        assert_eq!(batch.assignments() + u64::from(batch.dropped), u64::from(batch.tokens) * 2, "INV-1");
        assert!(batch.dispatched < at || batch.dropped == 0, "its experts moved");
    }
    // Four experts of 32 layers, of which nobody had a copy: they come from outside while the next batch waits.
    assert_eq!(record.moved_experts, 4 * 32);
    let seconds = 4.0 * 32.0 * 3.0 * 4096.0 * 14336.0 * 2.0 / link().bytes_per_s + link().latency_s;
    assert!((record.moving_seconds - seconds).abs() < 1e-8, "{} {seconds}", record.moving_seconds);
    let joules = 4.0 * 32.0 * 3.0 * 4096.0 * 14336.0 * 2.0 * link().joules_per_byte;
    assert!((record.moving_joules - joules).abs() < 1e-6 * joules, "{} {joules}", record.moving_joules);
    // Alone, the other GPU takes about twice as long.
    let seconds = |batch: &isotherm_core::record::BatchRecord| (batch.finished - batch.started).seconds();
    let (before, after) = (seconds(&record.batches[5]), seconds(record.batches.last().unwrap()));
    assert!(after > 1.7 * before, "{before} {after}");
    // With nobody to take over, or if it is told to stop, the run says which GPU it was.
    let stop = Bench { hardware: "on_shutdown = \"stop\"", ..bench };
    let text = stop.text().replace(
        "on_shutdown = \"stop\"",
        "on_shutdown = \"stop\"\ncooling = { supply = \"45 degC\", streams = [[0, 1]], stream_w_per_k = 20.0, conductance_exponent = 0.0 }",
    );
    let message = run(&from_text(&text)).finished.swap_remove(0).outcome.unwrap_err();
    assert!(message.contains("gpu1") && message.contains("shutdown temperature"), "{message}");
}

#[test]
fn the_rear_gpu_breathes_what_the_front_one_warms() {
    let record = Bench {
        hardware: "cooling = { supply = \"30 degC\", streams = [[0, 1]], stream_w_per_k = 60.0, period = \"100 ms\" }",
        batches: 1500,
        ..Bench::default()
    }
    .record();
    let last = record.batches.last().unwrap();
    // 700 W at the cap warm 60 W/K by 11.7 K; the die of the rear GPU is that much hotter once all is settled.
    let spread = f64::from(last.temperatures[1] - last.temperatures[0]);
    assert!((spread - 11.7).abs() < 1.0, "{spread} K");
    assert!(record.facility.unwrap().inlet_step < 2.0);
}

#[test]
fn leakage_that_outgrows_the_cooling_is_reported_and_never_a_number_that_is_not_one() {
    let text = Bench::default().text().replace(
        "profile = \"tests/fixtures/device.toml\"",
        "profile = \"tests/fixtures/device.toml\"\nvariability = { seed = 1, leakage = 1.0 }",
    );
    let file = from_text(&text);
    assert!(run(&file).finished[0].outcome.is_ok(), "a varied device still works");
    // Steeper than the network can carry off at the design temperature: refused before anything runs.
    let profile = std::fs::read_to_string(crate::lab::root().join("tests/fixtures/device.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hot.toml"), profile.replace("leakage = \"60 W\"", "leakage = \"1500 W\""))
        .unwrap();
    std::fs::write(
        folder.path().join("s.toml"),
        Bench::default().text().replace("tests/fixtures/device.toml", "hot.toml"),
    )
    .unwrap();
    let (code, _, stderr) = crate::lab::text(&crate::lab::isotherm(folder.path(), &["run", "s.toml"]));
    assert!(stderr.contains("thermal runaway"), "{stderr}");
    assert_eq!(code, 3, "{stderr}");
}

/// A small leakage that doubles with every kelvin or two: harmless when cold, and without end some thirty kelvin later.
#[test]
fn a_steep_leakage_runs_away_in_finite_time() {
    let profile = std::fs::read_to_string(crate::lab::root().join("tests/fixtures/device.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let steep = profile
        .replace("leakage = \"60 W\"", "leakage = \"0.002 W\"")
        .replace("leakage_per_kelvin = 0.015", "leakage_per_kelvin = 0.5");
    assert_ne!(steep, profile);
    std::fs::write(folder.path().join("steep.toml"), steep).unwrap();
    // Without a cap that would lower the clock before it comes to that.
    let bench = Bench { hardware: "power_cap = \"5 kW\"", batches: 400, ..Bench::default() };
    let text = bench.text().replace("tests/fixtures/device.toml", "steep.toml");
    std::fs::write(folder.path().join("s.toml"), text).unwrap();
    let (code, stdout, stderr) = crate::lab::text(&crate::lab::isotherm(folder.path(), &["run", "s.toml"]));
    assert_eq!(code, 6, "{stderr}");
    assert!(stdout.contains("thermal runaway") || stdout.contains("shutdown temperature"), "{stdout}");
}
