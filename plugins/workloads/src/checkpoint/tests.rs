use candle_core::{DType, Device, Tensor};
use isotherm_core::id::BatchId;
use isotherm_core::rng::fill_standard_normal;

use super::*;
use crate::GateProduct;

/// A file with a gate for each of two layers, `experts x d_model`, and the weights of the second.
fn gates(folder: &tempfile::TempDir, experts: usize, d_model: usize, dtype: DType) -> (String, Vec<f32>) {
    let file = folder.path().join("gates.safetensors");
    let mut weights = vec![0.0; 2 * experts * d_model];
    fill_standard_normal([3, 4], 0, &mut weights);
    let tensor = |layer: usize| {
        let weights = weights[layer * experts * d_model..][..experts * d_model].to_vec();
        Tensor::from_vec(weights, (experts, d_model), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
    };
    let tensors = [("layers.3.gate".to_owned(), tensor(0)), ("layers.4.gate".to_owned(), tensor(1))];
    candle_core::safetensors::save(&tensors.into_iter().collect(), &file).unwrap();
    let second = tensor_values(&tensor_of(&file, "layers.4.gate"));
    (file.display().to_string(), second)
}

fn tensor_of(file: &std::path::Path, name: &str) -> Tensor {
    candle_core::safetensors::load(file, &Device::Cpu).unwrap()[name].clone()
}

fn tensor_values(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn context(experts: usize, layer: u32) -> WorkloadContext<'static> {
    WorkloadContext { experts, top_k: 1, seed: 9, batches: &[], layer }
}

fn spec(file: &str) -> Checkpoint {
    Checkpoint { layer: 3, ..Checkpoint::of(file, "layers.{layer}.gate") }
}

#[test]
fn hidden_states_are_multiplied_by_the_weights_of_the_layer_in_whatever_form_they_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for dtype in [DType::F32, DType::BF16, DType::F16] {
        let (experts, d_model) = (6, 20);
        let (file, weights) = gates(&folder, experts, d_model, dtype);
        let stream = Checkpoint { source: Source::Hidden, ..spec(&file) }.build(&context(experts, 1)).unwrap();
        let key = Stream::open(9, Domain::Workload, 1, "hidden states").key();
        let mut hidden = vec![0.0; 30 * d_model];
        fill_standard_normal(key, 2, &mut hidden);
        let transposed: Vec<f32> =
            (0..weights.len()).map(|at| weights[at % experts * d_model + at / experts]).collect();
        let expected = GateProduct::new(experts, &transposed).logits(&hidden);
        assert_eq!(stream.logits(BatchId(2), 30).unwrap(), expected, "{dtype:?}");
    }
}

/// Variances of both sources against the rows' norms, scaled to `sigma`, within five standard errors.
#[test]
fn spreads_are_those_of_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (experts, d_model, tokens) = (4, 12, 20_000);
    let (file, weights) = gates(&folder, experts, d_model, DType::F32);
    let norm = |row: &[f32]| row.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>();
    let norms: Vec<f64> = weights.chunks(d_model).map(norm).collect();
    let mean = norms.iter().sum::<f64>() / experts as f64;
    for source in [Source::Logits, Source::Hidden] {
        let stream = Checkpoint { source, sigma: Some(2.0), ..spec(&file) }.build(&context(experts, 1)).unwrap();
        let logits = stream.logits(BatchId(0), tokens).unwrap();
        for (expert, norm) in norms.iter().enumerate() {
            let square = |z: &[f32]| f64::from(z[expert]).powi(2);
            let found = logits.chunks(experts).map(square).sum::<f64>() / tokens as f64;
            let expected = 4.0 * norm / mean;
            let error = expected * (2.0 / tokens as f64).sqrt();
            assert!((found - expected).abs() < 5.0 * error, "{source:?}, expert {expert}: {found} {expected}");
        }
    }
}

#[test]
fn what_does_not_fit_is_told_with_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _) = gates(&folder, 4, 8, DType::F32);
    let refused = |spec: Checkpoint, experts: usize, layer: u32| match spec.build(&context(experts, layer)) {
        Ok(_) => panic!("expected a fault"),
        Err(error) => error.to_string(),
    };
    assert!(refused(spec(&file), 4, 2).contains("no tensor `layers.5.gate` among `layers.3.gate`, `layers.4.gate`"));
    assert!(refused(spec(&file), 8, 0).contains("`model.experts = 4`"));
    assert!(refused(Checkpoint::of(&*file, "layers.3.gate"), 4, 1).contains("{layer}"));
    assert!(refused(Checkpoint { sigma: Some(0.0), ..spec(&file) }, 4, 0).contains("`sigma = 1.0`"));
    assert!(refused(spec("nowhere.safetensors"), 4, 0).contains("cannot be opened"));
    let whole = std::fs::read(&file).unwrap();
    for damaged in
        [b"text".to_vec(), b"no safetensors".to_vec(), whole[..whole.len() - 1].to_vec(), whole[..30].to_vec()]
    {
        std::fs::write(&file, damaged).unwrap();
        let told = refused(Checkpoint { layer: 4, ..spec(&file) }, 4, 0);
        assert!(told.contains("expected a safetensors file"), "{told}");
    }
    let file = folder.path().join("flat.safetensors");
    Tensor::new(&[0.0_f32; 4], &Device::Cpu).unwrap().save_safetensors("layers.3.gate", &file).unwrap();
    assert!(refused(spec(&file.display().to_string()), 4, 0).contains("experts x d_model"));
    Tensor::zeros((4, 2), DType::F32, &Device::Cpu).unwrap().save_safetensors("layers.3.gate", &file).unwrap();
    assert!(refused(spec(&file.display().to_string()), 4, 0).contains("all zero"));
}
