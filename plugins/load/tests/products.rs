//! What the load computes is the expert's product, and not something that takes as long.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use candle_core::{DType, Device, Tensor};
use isotherm_load::{Layer, Weights};
use isotherm_plugin::prelude::*;

const MODEL: usize = 24;
const HIDDEN: usize = 40;

fn layer(matrices: u32, seed: u64) -> Layer {
    let (d_model, d_ff) = (MODEL as u32, HIDDEN as u32);
    let shape = LoadShape { devices: vec![0], experts: 3, top_k: 2, d_model, d_ff, matrices };
    Layer::new(&shape, &Device::Cpu, DType::F32, seed).unwrap()
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f64::from).collect()
}

/// `rows x inner` times `inner x columns`.
fn product(left: &[f64], right: &[f64], inner: usize) -> Vec<f64> {
    let (rows, columns) = (left.len() / inner, right.len() / inner);
    let mut out = vec![0.0; rows * columns];
    for row in 0..rows {
        for column in 0..columns {
            for i in 0..inner {
                out[row * columns + column] += left[row * inner + i] * right[i * columns + column];
            }
        }
    }
    out
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

fn reference(states: &[f64], weights: &Weights) -> Vec<f64> {
    let up = product(states, &numbers(&weights.up), MODEL);
    let inner: Vec<f64> = match &weights.gate {
        Some(gate) => {
            let gate = product(states, &numbers(gate), MODEL);
            gate.into_iter().zip(up).map(|(gate, up)| silu(gate) * up).collect()
        }
        None => up.into_iter().map(silu).collect(),
    };
    product(&inner, &numbers(&weights.down), HIDDEN)
}

#[test]
fn an_experts_output_is_the_product_of_its_matrices() {
    for (matrices, tokens) in [(3, 1), (3, 17), (2, 17)] {
        let layer = layer(matrices, 5);
        for expert in (0..3).map(ExpertId) {
            let expected = reference(&numbers(&layer.states(tokens).unwrap()), layer.weights(expert).unwrap());
            let found = numbers(&layer.output(expert, tokens).unwrap());
            assert_eq!(found.len(), tokens as usize * MODEL);
            let scale = expected.iter().map(|x| x * x).sum::<f64>().sqrt() / (expected.len() as f64).sqrt();
            assert!(scale > 0.1, "the output is of the order of 1, not {scale}");
            // A sum of n terms in f32 is off by at most n * 2^-24 of the terms' sum, here (24 + 40) * 6e-8 of numbers near 1; ten times that leaves room for the largest.
            let tolerance = 10.0 * (MODEL + HIDDEN) as f64 * f64::from(f32::EPSILON) / 2.0;
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < tolerance, "expert {expert}: {found} instead of {expected}");
            }
        }
    }
}

#[test]
fn experts_differ_and_a_seed_makes_the_same_ones() {
    let output = |seed, expert| numbers(&layer(3, seed).output(ExpertId(expert), 4).unwrap());
    assert_eq!(output(5, 1), output(5, 1));
    assert_ne!(output(5, 1), output(5, 2));
    assert_ne!(output(5, 1), output(6, 1));
    let far_apart = [1, 1 + (1 << 32)].map(|seed| output(seed, 1));
    assert_ne!(far_apart[0], far_apart[1], "all of the seed counts");
}

#[test]
fn what_is_not_there_is_an_error() {
    let layer = layer(3, 5);
    assert!(layer.output(ExpertId(3), 1).unwrap_err().to_string().contains("there is no expert"));
    assert!(layer.states(4097).is_err());
    // More rows than there are states are worked off in pieces.
    layer.execute(&vec![(ExpertId(0), 5000)]).unwrap();
    assert!(layer.execute(&vec![(ExpertId(7), 1)]).is_err());
}
