//! The selection kernel and the learning step of `ttt` against the gate product of the same batch.

use std::hint::black_box;

use isotherm_core::gate::GateBatch;
use isotherm_core::router::{ClusterView, Feedback, RouterContext, RouterSpec};
use isotherm_core::routing::{Probabilities, Routing, Rule, Selector};
use isotherm_core::time::SimTime;
use isotherm_routers::TestTimeTrained;

use crate::gate::{D_MODEL, TOKENS, drawn, gate};
use crate::measure::{Bound, Report, in_turns};

/// Two prices, as in the classic experiment.
pub(crate) fn prices(experts: usize, scale: f32) -> Vec<f32> {
    (0..experts).map(|e| if e < experts - experts / 4 { 0.05 * scale } else { 0.2 * scale }).collect()
}

pub(crate) fn measure(report: &mut Report) {
    if !report.wants("select") {
        return;
    }
    let hidden = drawn(2, TOKENS * D_MODEL);
    for (experts, top_k) in [(8, 2), (64, 2), (64, 8), (128, 8), (256, 2), (256, 8)] {
        let gate = gate(experts);
        let batch = GateBatch::from_logits(experts, top_k, gate.logits(&hidden));
        let mut logits = vec![0.0; TOKENS * experts];
        let price = prices(experts, 1.0);
        let mut routing = Routing::new(experts, top_k);
        let (mut selector, mut plain, mut keeping) = (Selector::default(), Selector::default(), Selector::default());
        let (mut kept, mut out) = (Probabilities::default(), Routing::new(experts, top_k));
        let (mut reference, mut learning) = (Routing::new(experts, top_k), Trained::new(experts, top_k));
        let times = in_turns(&mut [
            &mut || gate.multiply(black_box(&hidden), &mut logits),
            &mut || selector.select(black_box(&batch), Rule::PricedLogit { price: &price }, None, &mut routing),
            &mut || plain.select(black_box(&batch), Rule::Logit, None, &mut reference),
            &mut || keeping.select(black_box(&batch), Rule::PricedLogit { price: &price }, Some(&mut kept), &mut out),
            &mut || learning.step(black_box(&batch)),
        ]);
        let name = format!("{experts} experts, top {top_k}");
        let bound = || if experts >= 64 { Bound::AtMost(25.0) } else { Bound::None };
        let of_the_gate = |case: usize| times.median(|round| 100.0 * round[case] / round[0]);
        report.line(&format!("select, {name}, share of the gate's time"), of_the_gate(1), "%", bound());
        report.line(&format!("select, {name}, without a price"), of_the_gate(2), "%", Bound::None);
        let ns = times.seconds(1) * 1e9 / (TOKENS * experts) as f64;
        report.line(&format!("select, {name}"), ns, "ns/logit", Bound::None);
        // What `ttt` cannot do without: the gate, the choice with its probabilities kept, and those read once.
        let floor = times.median(|round| 100.0 * (round[0] + round[3]) / (round[0] + round[4]));
        report.line(
            &format!("ttt with its gate, {name}: gate and choice, share of it"),
            floor,
            "%",
            Bound::AtLeast(75.0),
        );
    }
}

/// The router `ttt` with what it is told after every batch.
struct Trained {
    router: Box<dyn isotherm_core::router::Router>,
    out: Routing<'static>,
    joules: Vec<f64>,
}

impl Trained {
    fn new(experts: usize, top_k: usize) -> Self {
        let costs = vec![1.0; experts];
        let context = RouterContext::new(experts, top_k, &costs, 1);
        let router = TestTimeTrained::new(0.1).build(&context).expect("the options fit");
        Self { router, out: Routing::new(experts, top_k), joules: vec![1.0; experts] }
    }

    fn step(&mut self, batch: &GateBatch) {
        self.router.route(batch, &ClusterView::empty(), &mut self.out).expect("ttt does not fail");
        for (e, (joules, n)) in self.joules.iter_mut().zip(&self.out.counts).enumerate() {
            *joules = f64::from(*n) * if e % 4 == 3 { 2.0 } else { 0.5 };
        }
        let feedback = Feedback::new(SimTime::ZERO, Default::default(), &self.out.counts, &self.joules, &self.joules);
        self.router.feedback(&feedback).expect("ttt does not fail");
    }
}
