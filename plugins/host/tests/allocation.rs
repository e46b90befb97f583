//! After the first batch, nothing at the border allocates.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "host/build.rs"]
#[allow(dead_code)] // shared with the other tests
mod build;
#[path = "host/catalogue.rs"]
#[allow(dead_code)] // shared with the other tests
mod catalogue;

use isotherm_core::gate::GateBatch;
use isotherm_core::id::{BatchId, GpuId};
use isotherm_core::placement::Placement;
use isotherm_core::router::{ClusterView, Feedback, RouterContext};
use isotherm_core::routing::Routing;
use isotherm_core::telemetry::{Sample, Truth};
use isotherm_core::time::SimTime;

use catalogue::Controls;

#[test]
fn a_call_does_not_allocate() {
    let Some(controls) = Controls::new() else { return };
    let costs = [1.0; 8];
    let placement = Placement::single((0..8).map(GpuId).collect());
    let samples = [Sample::default(); 8];
    let logits: Vec<f32> = (0..64 * 8_u32).map(|i| ((i * 37) % 101) as f32 / 20.0).collect();
    let gate = GateBatch::from_logits(8, 2, logits);
    for form in ["prices", "scores", "assignment", "counted"] {
        let spec = controls.router(&format!("lambda = 0.4\nform = '{form}'\n")).unwrap();
        let mut router = spec.build(&RouterContext::new(8, 2, &costs, 7)).unwrap();
        let mut routing = Routing::new(8, 2);
        let mut batch = |number: u32, revision: u64| {
            let now = SimTime::from_nanos(u64::from(number));
            let view = ClusterView::empty().at(now, BatchId(number), &placement, &samples).with_declared_costs(&costs);
            router.route(&gate, &view.of_revision(revision), &mut routing).unwrap();
            router.feedback(&Feedback::new(now, BatchId(number), &[1; 8], &costs, &costs)).unwrap();
        };
        batch(0, 1);
        let counted = allocation_counter::measure(|| (1..20).for_each(|number| batch(number, u64::from(number / 7))));
        assert_eq!(counted.count_total, 0, "{form}");
    }
    let mut source = controls.telemetry("").unwrap().build(8, 7).unwrap();
    let mut out = samples;
    let mut poll = || source.sample(SimTime::from_nanos(9), &[Truth::default(); 8], &mut out).unwrap();
    poll();
    assert_eq!(allocation_counter::measure(poll).count_total, 0);
}
