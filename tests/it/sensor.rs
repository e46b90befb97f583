//! What routers are shown of the power in a whole run, against the meter that the run keeps of itself.

use std::sync::{Arc, Mutex};

use isotherm_core::gate::GateBatch;
use isotherm_core::id::BatchId;
use isotherm_core::router::{ClusterView, Router, RouterContext, RouterError, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_core::simulation::Simulation;
use isotherm_core::workload::WorkloadContext;
use isotherm_core::world::{GateWindow, WorldSpec};
use isotherm_routers::Baseline;

use crate::lab::from_text;

/// Readings: when they were taken (ns), and the power (W).
type Seen = Arc<Mutex<Vec<(u64, f64)>>>;

/// Writes down the power it is shown, and routes as the baseline does.
struct Spy {
    inner: Box<dyn Router>,
    seen: Seen,
}

impl Router for Spy {
    fn route(&mut self, gate: &GateBatch, view: &ClusterView<'_>, out: &mut Routing) -> Result<(), RouterError> {
        let sample = view.samples[0];
        self.seen.lock().unwrap().push((sample.taken_at.nanos(), sample.power.unwrap().get()));
        self.inner.route(gate, view, out)
    }
}

/// One GPU at work under a governor: what the router saw, and what the run's own meter has read of every second (W).
fn run(sensor: &str) -> (Vec<(u64, f64)>, Vec<f32>) {
    let file = from_text(&format!(
        "schema_version = 1
name = \"sensor\"
model = {{ experts = 8, top_k = 2 }}
workload = {{ kind = \"gaussian\" }}
arrivals = {{ kind = \"closed-loop\", batches = 60, tokens = 3000 }}
telemetry = {{ kind = \"synthetic\", {sensor} }}
router = [{{ kind = \"baseline\" }}]
[costs]
kind = \"device\"
layer = {{ d_model = 4096, d_ff = 14336, layers = 32 }}
[hardware]
gpus = 1
profile = \"tests/fixtures/device.toml\"
power_cap = \"300 W\"
"
    ));
    let scenario = &file.plan.worlds[0].scenario;
    let arrivals = scenario.arrivals.batches(3).unwrap();
    let context = WorkloadContext { experts: 8, top_k: 2, seed: 3, batches: &arrivals, layer: 0 };
    let stream = scenario.workload.build(&context).unwrap();
    let gates = arrivals.iter().enumerate().map(|(index, arrival)| {
        let batch = BatchId(index as u32);
        (batch, Arc::new(GateBatch::from_logits(8, 2, stream.logits(batch, arrival.tokens as usize).unwrap())))
    });
    let window = Arc::new(GateWindow::new(gates.collect::<Vec<_>>()));
    let spec = Arc::new(WorldSpec::of(scenario, arrivals.clone().into()).unwrap());
    let seen = Seen::default();
    let inner = Baseline::default().build(&RouterContext::new(8, 2, &[1.0; 8], 0)).unwrap();
    let spy = Spy { inner, seen: Arc::clone(&seen) };
    let mut simulation = Simulation::new(spec, Box::new(spy), scenario.telemetry.build(1, 3).unwrap()).unwrap();
    simulation.advance(&window).unwrap();
    let means = simulation.record().power_means;
    let seen = seen.lock().unwrap().clone();
    (seen, means)
}

#[test]
fn routers_see_the_mean_of_the_last_second_as_the_run_itself_meters_it() {
    for sensor in ["period = \"100 ms\"", "period = \"30 ms\"", "lag = \"300 ms\", dropouts = 0.3"] {
        let (seen, means) = run(sensor);
        let mut compared = 0;
        for (taken_at, watts) in seen {
            assert_eq!(taken_at % 100_000_000, 0, "{sensor}: refreshed at multiples of a tenth of a second");
            // The meter's first second is whole at 1 s.
            let Some(index) = (taken_at / 100_000_000).checked_sub(10) else { continue };
            let metered = f64::from(means[index as usize]);
            assert!((watts - metered).abs() < 1e-3, "{sensor}, {taken_at} ns: {watts} W, metered {metered} W");
            compared += 1;
        }
        assert!(compared >= 20, "{sensor}: {compared}");
    }
}

#[test]
fn a_mean_hides_what_the_true_power_shows() {
    let largest_step = |sensor: &str| {
        let (seen, _) = run(sensor);
        seen.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).fold(0.0, f64::max)
    };
    // From idle to work in one step; between two batches, which take less than half a second, a mean shows less than half of it.
    let (exact, mean) = (largest_step("power = \"exact\""), largest_step("power = \"mean\""));
    assert!(exact > 2.0 * mean && mean > 0.0, "{exact} W, {mean} W");
}
