//! Golden vector `closed_loop_thermal`: `primal-dual` in logit space in front of two GPUs of one heat capacity each.

use isotherm_core::gate::GateBatch;
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, RouterContext, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::Celsius;
use isotherm_routers::{Cap, PrimalDual, Space};
use serde_json::Value;

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn the_closed_loop_is_that_of_the_golden_vectors() {
    let folder =
        std::env::var_os("ISOTHERM_GOLDEN").map_or_else(|| crate::lab::root().join("tests/golden"), Into::into);
    let text = std::fs::read_to_string(folder.join("strategies.json")).unwrap();
    let case = &serde_json::from_str::<Value>(&text).unwrap()["closed_loop_thermal"];
    let parameter = |key: &str| &case["parameters"][key];
    let number = |key: &str| parameter(key).as_f64().unwrap();
    let top_k = case["top_k"].as_u64().unwrap() as usize;
    let gpus: Vec<GpuId> =
        case["device_of_expert"].as_array().unwrap().iter().map(|g| GpuId(g.as_u64().unwrap() as u32)).collect();
    let experts = gpus.len();
    let placement = Placement::single(gpus.clone());
    let spec = PrimalDual {
        eta: Some(number("gain_per_c")),
        max_price: Some(number("price_max")),
        space: Space::Logit,
        ..PrimalDual::new(Cap::Temperature(Celsius::new(number("target_c"))))
    };
    let mut router = spec.build(&RouterContext::new(experts, top_k, &vec![1.0; experts], 0)).unwrap();
    let (resistance, capacity) = (list(parameter("r_c_per_w")), list(parameter("c_j_per_c")));
    let (idle, joules) = (list(parameter("idle_w")), list(parameter("j_per_assignment")));
    let (dt, ambient) = (number("dt_s"), number("ambient_c"));
    let mut temperature = list(parameter("t0_c"));
    let batches = case["logit_batches"].as_array().unwrap().iter().zip(case["steps"].as_array().unwrap());
    let mut steps = 0;
    for (step, (logits, expected)) in batches.enumerate() {
        let logits: Vec<f32> = logits.as_array().unwrap().iter().flat_map(list).map(|z| z as f32).collect();
        let gate = GateBatch::from_logits(experts, top_k, logits);
        let now = SimTime::from_nanos((step as f64 * dt * 1e9) as u64);
        // The price follows the temperatures after a batch; before the first there is nothing to follow.
        let sample =
            |t: &f64| Sample { taken_at: now, temperature: (step > 0).then_some(Celsius::new(*t)), power: None };
        let samples: Vec<Sample> = temperature.iter().map(sample).collect();
        let view = ClusterView::empty().at(now, BatchId(step as u32), &placement, &samples);
        let mut routing = Routing::new(experts, top_k);
        router.route(&gate, &view, &mut routing).unwrap();
        for gpu in 0..temperature.len() {
            let count: u32 = (0..experts).filter(|e| gpus[*e].index() == gpu).map(|e| routing.counts[e]).sum();
            assert_eq!(u64::from(count), expected["assignments"][gpu].as_u64().unwrap(), "step {step}, GPU {gpu}");
            let power = idle[gpu] + joules[gpu] * f64::from(count) / dt;
            let decay = (-dt / (resistance[gpu] * capacity[gpu])).exp();
            temperature[gpu] = ambient + (temperature[gpu] - ambient) * decay + resistance[gpu] * power * (1.0 - decay);
            assert!((temperature[gpu] - list(&expected["temperature_c"])[gpu]).abs() < 1e-5, "step {step}");
        }
        steps += 1;
    }
    assert!(steps >= 24);
}
