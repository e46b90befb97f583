//! The closed-form gradient of `ttt` against candle's autograd.

use candle_core::{D, Device, Tensor, Var};
use isotherm_core::gate::GateBatch;
use isotherm_core::rng::fill_standard_normal;
use isotherm_core::router::{ClusterView, RouterContext, RouterSpec};
use isotherm_core::routing::Routing;
use isotherm_routers::{TestTimeTrained, TttState};

/// L(b) = mean_t [ lambda <p, c> + beta KL(p || p0) ], differentiated by candle.
fn autograd(logits: &[f32], bias: &[f64], costs: &[f64], lambda: f64, beta: f64) -> (f64, Vec<f64>) {
    let experts = bias.len();
    let z = Tensor::from_vec(
        logits.iter().map(|z| f64::from(*z)).collect(),
        (logits.len() / experts, experts),
        &Device::Cpu,
    )
    .unwrap();
    let b = Var::from_vec(bias.to_vec(), experts, &Device::Cpu).unwrap();
    let c = Tensor::from_vec(costs.to_vec(), experts, &Device::Cpu).unwrap();
    let log_softmax =
        |z: &Tensor| z.broadcast_sub(&z.exp().unwrap().sum_keepdim(D::Minus1).unwrap().log().unwrap()).unwrap();
    let log_p0 = log_softmax(&z);
    let log_p = log_softmax(&z.broadcast_add(b.as_tensor()).unwrap());
    let p = log_p.exp().unwrap();
    let divergence = ((&log_p - &log_p0).unwrap() * beta).unwrap();
    let inner = divergence.broadcast_add(&(c * lambda).unwrap()).unwrap();
    let loss = (p * inner).unwrap().sum(D::Minus1).unwrap().mean_all().unwrap();
    let gradient = loss.backward().unwrap().get(&b).unwrap().to_vec1().unwrap();
    (loss.to_scalar().unwrap(), gradient)
}

#[test]
fn closed_form_gradient_is_autograds() {
    for (experts, tokens, lambda, beta) in
        [(8, 100, 0.5, 1.0), (8, 16, 0.1, 2.0), (64, 200, 1.0, 0.5), (3, 7, 0.3, 1.0)]
    {
        let mut logits = vec![0.0; experts * tokens];
        fill_standard_normal([7, experts as u32], 0, &mut logits);
        let bias: Vec<f64> = (0..experts).map(|e| 0.3 * (e as f64 - 2.0).sin()).collect();
        let costs: Vec<f64> = (0..experts).map(|e| 0.5 + 1.5 * f64::from(e % 3 == 0)).collect();
        let spec = TestTimeTrained { beta, ..TestTimeTrained::new(lambda) };
        let context = RouterContext::new(experts, 2, &costs, 0);
        let mut router = spec.build(&context).unwrap();
        let start = TttState { bias: bias.clone(), costs: costs.clone(), ..spec.initial_state(experts) };
        router.load(&postcard::to_stdvec(&start).unwrap()).unwrap();
        let gate = GateBatch::from_logits(experts, 2, logits.clone());
        let mut routing = Routing::new(experts, 2);
        router.route(&gate, &ClusterView::empty(), &mut routing).unwrap();
        let state: TttState = postcard::from_bytes(&router.save()).unwrap();

        let (loss, expected) = autograd(&logits, &bias, &costs, lambda, beta);
        let mut gradient = vec![0.0; experts];
        state.gradient(&spec, &mut gradient);
        for (found, expected) in gradient.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-6, "{experts} experts: {found} against {expected}");
        }
        assert!((state.loss(&spec, &gate, routing.gate.unwrap()) - loss).abs() < 1e-6);
        assert!(gradient.iter().sum::<f64>().abs() < 1e-6, "the bias keeps its sum");
    }
}
