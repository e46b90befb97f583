//! Placements in runs: placing again, what moving weights takes, which copy serves whom, and what crosses between GPUs.

use std::sync::Arc;

use isotherm::execute::Comparison;
use isotherm::scenario_file::ScenarioFile;
use isotherm_core::cost::{DeviceCost, Flow};
use isotherm_core::gate::GateBatch;
use isotherm_core::hardware::{DeviceProfile, Fabric};
use isotherm_core::id::{BatchId, ExpertId};
use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec, Rebalance};
use isotherm_core::record::RunRecord;
use isotherm_core::router::RouterContext;
use isotherm_core::simulation::Simulation;
use isotherm_core::world::{GateWindow, WorldSpec};
use isotherm_placements::Eplb;
use serde::{Deserialize, Serialize};

use crate::lab::{from_text, mean, row, run, small, small_device};

/// A comparison of the baseline alone with this placement, and with further keys of the costs.
fn table(placement: &str, costs: &str) -> ScenarioFile {
    let text = small(&format!("router = [{{ kind = \"baseline\" }}]\nplacement = {placement}"));
    from_text(&text.replace("hot_seconds = 2e-3 }", &format!("hot_seconds = 2e-3{costs} }}")))
}

fn device(placement: &str, more: &str) -> ScenarioFile {
    let text = small_device("[[router]]\nkind = \"baseline\"");
    from_text(&text.replace("[hardware]\n", &format!("[placement]\n{placement}\n{more}\n[hardware]\n")))
}

fn record(file: &ScenarioFile) -> RunRecord {
    run(file).finished.swap_remove(0).outcome.unwrap()
}

/// What moves before a batch: the batch, copies that are new on a GPU, and the most that one GPU receives and sends.
struct Move {
    batch: usize,
    copies: u32,
    into: u32,
    out: u32,
}

/// What EPLB with one copy an expert moves every `every` batches of `record`, followed from what the batches used.
fn expected_moves(record: &RunRecord, eplb: &Eplb, gpus: usize, every: usize) -> Vec<Move> {
    let start = PlacementContext::at_start(8, gpus);
    let mut current = eplb.place(&start).unwrap();
    let mut moves = Vec::new();
    for batch in (every..record.batches.len()).step_by(every) {
        let mut loads = vec![0.0; 8];
        for done in &record.batches[batch - every..batch] {
            done.usage.iter().zip(&mut loads).for_each(|(n, sum)| *sum += f64::from(*n));
        }
        let next = eplb.place(&start.measured(&loads, &[], &[], &current, &[])).unwrap();
        let (mut into, mut out) = (vec![0; gpus], vec![0; gpus]);
        for expert in (0..8).map(ExpertId) {
            let (from, to) = (current.copies(expert)[0], next.copies(expert)[0]);
            if from != to {
                into[to.index()] += 1;
                out[from.index()] += 1;
            }
        }
        let most = |each: &[u32]| each.iter().copied().max().unwrap();
        moves.push(Move { batch, copies: into.iter().sum(), into: most(&into), out: most(&out) });
        current = next;
    }
    moves
}

#[test]
fn in_a_table_every_moved_expert_costs_what_the_table_says_and_batches_wait_for_it() {
    let loads = [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
    let policy = format!("{{ kind = \"eplb\", loads = {loads:?}, rebalance = {{ every_batches = 3 }} }}");
    let record = record(&table(&policy, ", move_joules = 20.0, move_seconds = 0.25"));
    let eplb = Eplb { loads: Some(loads.to_vec()), ..Eplb::default() };
    let moves = expected_moves(&record, &eplb, 4, 3);
    assert_eq!((record.placements, moves.len()), (3, 3));
    let copies: u32 = moves.iter().map(|m| m.copies).sum();
    assert!(copies >= 3, "something moves: {copies}");
    assert_eq!(record.moved_experts, u64::from(copies));
    let joules = 20.0 * f64::from(copies);
    assert!((record.moving_joules - joules).abs() < 1e-9 * joules, "{} {joules}", record.moving_joules);
    let seconds: f64 = moves.iter().map(|m| 0.25 * f64::from(m.into)).sum();
    assert!((record.moving_seconds - seconds).abs() < 1e-9, "{} {seconds}", record.moving_seconds);
    // In a closed loop a batch is dispatched as it comes, unless weights move first.
    for (index, batch) in record.batches.iter().enumerate() {
        let due = moves.iter().find(|m| m.batch == index).map_or(0.0, |m| 0.25 * f64::from(m.into));
        assert!(((batch.dispatched - batch.arrived).seconds() - due).abs() < 1e-9, "batch {index}");
    }
    // Costs of the assignments alone: the table's.
    let assignments: f64 = record
        .batches
        .iter()
        .flat_map(|b| b.usage.iter().zip([0.5; 6].iter().chain(&[2.0; 2])))
        .map(|(n, c)| f64::from(*n) * c)
        .sum();
    let all: f64 = record.batches.iter().map(|b| b.energy_joules).sum();
    assert!((all - assignments - joules).abs() < 1e-9 * all, "{all} {assignments} {joules}");
    balanced(&record);
}

/// INV-4: heat balance, and total energy is the sum of its parts.
fn balanced(record: &RunRecord) {
    let into = record.gpu_joules;
    assert!((into - record.stored_joules - record.removed_joules).abs() <= 1e-9 * into);
    assert!((into - record.energy_joules() + record.router_joules).abs() <= 1e-9 * into);
}

/// Mixtral's experts in bf16: three matrices, two bytes a weight, 64 layers routed alike.
const BYTES: f64 = 3.0 * 4096.0 * 14336.0 * 2.0 * 64.0;

fn nvlink() -> Fabric {
    let text = std::fs::read_to_string(crate::lab::root().join("tests/fixtures/device.toml")).unwrap();
    let profile: DeviceProfile = toml::from_str(&text).unwrap();
    profile.interconnect.unwrap().nvlink
}

/// Uniform traffic within a node, in closed form: every GPU sends and gets T k / G (1 - 1/G) assignments there, and the same again back.
#[test]
fn an_exchange_of_uniform_traffic_takes_what_the_closed_form_says() {
    let text = std::fs::read_to_string(crate::lab::root().join("tests/fixtures/device.toml")).unwrap();
    let (gpus, layer) = (8, "d_model = 4096\nd_ff = 14336\nlayers = 3");
    let cost = DeviceCost::of(&toml::from_str(layer).unwrap(), 2, &toml::from_str(&text).unwrap(), true).unwrap();
    let crossing = 2048.0 * 2.0 / f64::from(gpus) * (1.0 - 1.0 / f64::from(gpus));
    let flow = Flow { out_near: crossing, in_near: crossing, ..Flow::default() };
    let flows = vec![flow; gpus as usize];
    let seconds = cost.exchange_seconds(&flows);
    let joules: Vec<f64> = flows.iter().map(|flow| cost.exchange_joules(flow)).collect();
    let (bytes, link) = (2.0 * 4096.0 * crossing, nvlink());
    let expected = 3.0 * 2.0 * (link.latency_s + bytes / link.bytes_per_s);
    assert!((seconds / expected - 1.0).abs() < 1e-12, "{seconds} {expected}");
    let expected = 3.0 * 2.0 * (bytes + bytes) * link.joules_per_byte;
    assert!((joules[0] / expected - 1.0).abs() < 1e-12, "{joules:?} {expected}");
}

#[test]
fn on_devices_moving_takes_the_bytes_of_the_weights_over_the_link() {
    let record = record(&device("kind = \"eplb\"\nrebalance = { every_batches = 2 }", ""));
    let moves = expected_moves(&record, &Eplb::default(), 2, 2);
    let copies: u32 = moves.iter().map(|m| m.copies).sum();
    assert!(copies > 0);
    assert_eq!(record.moved_experts, 64 * u64::from(copies), "of every layer");
    let link = nvlink();
    let seconds: f64 = (moves.iter().filter(|m| m.copies > 0))
        .map(|m| link.latency_s + f64::from(m.into.max(m.out)) * BYTES / link.bytes_per_s)
        .sum();
    assert!((record.moving_seconds - seconds).abs() < 1e-8 * seconds, "{} {seconds}", record.moving_seconds);
    // Sender and receiver both pay.
    let joules = 2.0 * f64::from(copies) * BYTES * link.joules_per_byte;
    assert!((record.moving_joules - joules).abs() < 1e-6 * joules, "{} {joules}", record.moving_joules);
    balanced(&record);
}

#[test]
fn without_costs_of_moving_nothing_waits() {
    let record = record(&table("{ kind = \"eplb\", rebalance = { every_batches = 1 } }", ""));
    assert_eq!((record.placements, record.moving_seconds, record.moving_joules), (11, 0.0, 0.0));
    assert!(record.moved_experts > 0);
    let kept = self::record(&table("{ kind = \"eplb\", keep = true, rebalance = { every_batches = 1 } }", ""));
    println!("measured: {} experts moved, {} with keep", record.moved_experts, kept.moved_experts);
    assert!(kept.moved_experts < record.moved_experts, "{} {}", kept.moved_experts, record.moved_experts);
    assert!(record.batches.iter().all(|batch| batch.dispatched == batch.arrived));
    let stays = self::record(&table("{ kind = \"eplb\" }", ""));
    assert_eq!((stays.placements, stays.moved_experts), (0, 0));
}

/// Every layer has its own popularity, and so its own placement.
#[test]
fn every_layer_is_placed_by_its_own_loads() {
    let text =
        small("router = [{ kind = \"baseline\" }]\nplacement = { kind = \"eplb\", rebalance = { every_batches = 4 } }");
    let one = record(&from_text(&text));
    let two = record(&from_text(&text.replace("top_k = 2 }", "top_k = 2, layers = 2 }")));
    assert_eq!(two.placements, one.placements);
    assert!(two.moved_experts > one.moved_experts, "{} {}", two.moved_experts, one.moved_experts);
}

/// On a skewed stream that EPLB can measure, the busiest GPU has less to do than under blocks, so batches are faster.
#[test]
fn placing_again_by_measured_loads_shortens_batches_of_a_skewed_stream() {
    // A price makes a skewed stream of an even one: the six cold experts get nearly all.
    let skewed = |placement: &str| {
        small(&format!("router = [{{ kind = \"energy-penalty\", lambda = 2.0 }}]\nplacement = {{ {placement} }}"))
    };
    let run_of = |placement: &str| run(&from_text(&skewed(placement)));
    let (blocks, eplb) =
        (run_of("kind = \"contiguous\""), run_of("kind = \"eplb\", replicas = 16, rebalance = { every_batches = 2 }"));
    let makespan = |completed| mean(row(completed, "energy-penalty", ""), "makespan_s");
    // Under blocks three of four GPUs share the work; with copies all four do, once two batches have been measured.
    assert!(makespan(&eplb) < 0.85 * makespan(&blocks), "{} {}", makespan(&eplb), makespan(&blocks));
}

const EVERYWHERE: &str = "{ kind = \"explicit\", gpus = [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]] }";

#[test]
fn local_first_keeps_tokens_at_home_and_hops_cost_what_the_table_says() {
    let with = |copies: &str, hop: &str| {
        run(&from_text(&table_text(&format!("{EVERYWHERE}\ndispatch = {{ copies = \"{copies}\" }}"), hop)))
    };
    let metric = |completed, name| mean(row(completed, "baseline", ""), name);
    let (local, even) = (with("local-first", ", hop_joules = 0.1"), with("even", ", hop_joules = 0.1"));
    let (local_free, even_free) = (with("local-first", ""), with("even", ""));
    assert_eq!(metric(&local, "local_share"), 1.0);
    assert_eq!(metric(&local, "energy_j"), metric(&local_free, "energy_j"));
    // Shares of a batch's 192 assignments over 8 experts are equal up to three a copy.
    let share = metric(&even, "local_share");
    assert!((share - 0.25).abs() < 0.01, "{share}");
    let hops = 0.1 * (1.0 - share) * 12.0 * 96.0 * 2.0;
    let assignments = |completed| metric(completed, "energy_j") - metric(completed, "idle_energy_j");
    let difference = assignments(&even) - assignments(&even_free);
    assert!((difference - hops).abs() < 1e-9 * hops, "{difference} {hops}");
}

fn table_text(placement: &str, costs: &str) -> String {
    small(&format!("router = [{{ kind = \"baseline\" }}]\nplacement = {placement}"))
        .replace("hot_seconds = 2e-3 }", &format!("hot_seconds = 2e-3{costs} }}"))
}

/// With one copy an expert, G GPUs and tokens that choose without looking where they are, a share of 1 / G is local.
#[test]
fn a_gth_of_the_assignments_is_local_where_experts_have_one_copy() {
    let completed = run(&table("{ kind = \"contiguous\" }", ""));
    let share = mean(row(&completed, "baseline", ""), "local_share");
    // 2 seeds x 2,304 assignments: a standard error of 0.0064.
    assert!((share - 0.25).abs() < 4.0 * 0.0064, "{share}");
}

/// Two GPUs of which one is slower: sharing copies out by speed ends layers earlier than sharing them out equally.
#[test]
fn by_speed_a_slow_gpu_holds_up_nobody() {
    let with = |copies: &str| {
        let text = small_device("[[router]]\nkind = \"baseline\"")
            .replace("clock = 0.02", "clock = 0.1")
            .replace("power_cap = \"400 W\"\n", "")
            .replace("batches = 9, tokens = 2048", "batches = 9, tokens = 16384")
            .replace(
                "[hardware]\n",
                &format!(
                    "[placement]\nkind = \"contiguous\"\nreplicate = [0, 1, 2, 3, 4, 5, 6, 7]\n[dispatch]\ncopies = \"{copies}\"\n[hardware]\n"
                ),
            );
        run(&from_text(&text))
    };
    let makespan = |completed| mean(row(completed, "baseline", ""), "makespan_s");
    let (even, by_speed) = (with("even"), with("by-speed"));
    println!("measured: makespan even {} s, by speed {} s", makespan(&even), makespan(&by_speed));
    assert!(makespan(&by_speed) < makespan(&even), "{} {}", makespan(&by_speed), makespan(&even));
}

/// A network between nodes is slower than NVLink: the same GPUs in two nodes take longer, and less so if groups of copies keep
/// tokens in their node.
#[test]
fn tokens_that_stay_in_their_node_spare_the_network() {
    let with = |hardware: &str, copies: &str| {
        let text = small_device("[[router]]\nkind = \"baseline\"")
            .replace("gpus = 2\n", &format!("gpus = 4\n{hardware}\n"))
            .replace("streams = [[0, 1]]", "streams = [[0, 1], [2, 3]]")
            .replace(
                "[hardware]\n",
                &format!(
                    "[placement]\nkind = \"explicit\"\ngpus = [[0, 2], [0, 2], [0, 2], [0, 2], [1, 3], [1, 3], [1, 3], [1, 3]]\n\
                     [dispatch]\ncopies = \"{copies}\"\n[hardware]\n"
                ),
            );
        mean(row(&run(&from_text(&text)), "baseline", ""), "makespan_s")
    };
    let (one, two) = (with("", "even"), with("gpus_per_node = 2", "even"));
    let (near_one, near) = (with("", "local-first"), with("gpus_per_node = 2", "local-first"));
    println!("measured: one node {one} s, two nodes {two} s; local first {near_one} s, {near} s");
    assert!(one < two && near < two, "{one} {two} {near}");
}

/// A policy that fails once it is asked again.
#[derive(Debug, Serialize, Deserialize)]
struct FailsLater {}

#[typetag::serde(name = "fails-later")]
impl PlacementSpec for FailsLater {
    fn place(&self, context: &PlacementContext<'_>) -> Result<Placement, PlacementError> {
        match context.current {
            None => Ok(Placement::contiguous(context.experts, context.gpus)),
            Some(_) if context.loads.iter().sum::<f64>() > 700.0 => Ok(Placement::contiguous(7, context.gpus)),
            Some(_) => Err(PlacementError::Unusable("out of ideas".to_owned())),
        }
    }

    fn rebalance(&self) -> Option<Rebalance> {
        Some(Rebalance { every_batches: 3 })
    }
}

#[test]
fn a_policy_that_fails_in_mid_run_ends_its_run_with_its_words() {
    let message = |tokens: &str| {
        let text = table_text("{ kind = \"fails-later\" }", "").replace("tokens = 96", tokens);
        let comparison = from_text(&text);
        let comparison = Comparison::prepare(&comparison).unwrap().run_all().unwrap();
        comparison.finished.into_iter().next().unwrap().outcome.unwrap_err()
    };
    assert!(message("tokens = 96").contains("placement: out of ideas"), "{}", message("tokens = 96"));
    let unfit = message("tokens = 960");
    assert!(unfit.contains("placement: 7 experts are placed, the model has 8"), "{unfit}");
}

/// What a saved state says about placements is checked before it is used: bytes are damaged one at a time.
#[test]
fn damaged_placements_are_refused_and_never_panic() {
    let file = table("{ kind = \"eplb\", replicas = 12, rebalance = { every_batches = 2 } }", ", move_seconds = 0.01");
    let scenario = file.plan.worlds.into_iter().next().unwrap().scenario;
    let arrivals = scenario.arrivals.batches(0).unwrap();
    let gate = Arc::new(GateBatch::from_logits(8, 2, (0..96 * 8).map(|i| (i * 37 % 101) as f32 * 0.05).collect()));
    let window = Arc::new(GateWindow::new((0..12).map(|batch| (BatchId(batch), Arc::clone(&gate)))));
    let spec = Arc::new(WorldSpec::of(&scenario, arrivals.into()).unwrap());
    let build = || {
        let context = RouterContext::new(8, 2, &[1.0; 8], 0);
        let spec: Box<dyn isotherm_core::router::RouterSpec> = Box::new(isotherm_routers::Baseline::default());
        (spec.build(&context).unwrap(), scenario.telemetry.build(4, 0).unwrap())
    };
    let (router, telemetry) = build();
    let mut simulation = Simulation::new(Arc::clone(&spec), router, telemetry).unwrap();
    simulation.advance_events(&window, 60).unwrap();
    let saved = simulation.save();
    let mut accepted = 0;
    for at in 0..saved.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = saved.clone();
            bytes[at] ^= flip;
            let (router, telemetry) = build();
            accepted += u32::from(Simulation::restore(Arc::clone(&spec), router, telemetry, &bytes).is_ok());
        }
    }
    assert!(accepted > 0, "most bytes are numbers, and any number is a number");
}

#[test]
fn keys_of_placement_and_dispatch_are_refused_with_an_example() {
    let refused = |placement: &str, costs: &str, words: &[&str]| {
        let text = table_text(placement, costs);
        let fault = ScenarioFile::from_text("test.toml", &text, crate::lab::root(), &[]).unwrap_err().to_string();
        assert!(words.iter().all(|word| fault.contains(word)), "{fault}");
    };
    refused("{ kind = \"eplb\", replicas = 6 }", "", &["6 copies", "replicas = 8", "test.toml:11:41"]);
    refused("{ kind = \"eplb\", replicas = 10 }", "", &["equally over 4 GPUs", "replicas = 8"]);
    refused("{ kind = \"eplb\", groups = 3 }", "", &["3 equal groups", "for example `groups = 1`"]);
    refused("{ kind = \"eplb\", replica = 8 }", "", &["replica", "replicas"]);
    refused("{ kind = \"explicit\", gpus = [0, 1, 2, 3, 0, 1, 2] }", "", &["7 experts are placed", "gpus = [0, 0, 1"]);
    refused("{ kind = \"contiguous\" }\ndispatch = { copies = \"near\" }", "", &["near", "local-first"]);
    refused("{ kind = \"contiguous\" }", ", move_joules = 1.0", &["infinite power", "move_seconds = 0.01"]);
    refused("{ kind = \"contiguous\" }", ", hop_joules = -1.0", &["negative", "hop_joules = 0.01"]);
}
