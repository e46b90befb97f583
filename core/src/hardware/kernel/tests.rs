//! Properties of the cost model that hold for any sound parameters.

use super::*;
use crate::hardware::{Clock, PowerLaw};
use crate::thermal::LeakageLaw;
use crate::units::{Celsius, Watts};

fn model() -> KernelModel {
    let bf16 = TypeModel {
        bytes: 2.0,
        flops_per_s: 700e12,
        launch_s: 15e-6,
        chain_s_per_column: 3e-9,
        least_rows: 32.0,
        block_rows: vec![[64, 16], [512, 64], [1024, 128]],
        quantise_passes: 0.0,
        joules_ratio: 1.0,
    };
    let fp8 = TypeModel { bytes: 1.0, flops_per_s: 1400e12, joules_ratio: 0.5, ..bf16.clone() };
    KernelModel {
        reference_mhz: 1980.0,
        clock_exponent: 1.0,
        memory_bytes_per_s: 4.5e12,
        elementwise_bytes_per_s: 3e12,
        overlap: 2.0,
        prologue_columns: 128.0,
        panel_rows: 0.0,
        launch_per_expert_s: 0.0,
        inner_passes: 3.0,
        outer_passes: 1.0,
        token_passes: 2.0,
        types: Types { bf16, fp8: Some(fp8), fp8_block: None },
    }
}

fn mixtral() -> LayerShape {
    LayerShape {
        d_model: 4096,
        d_ff: 14336,
        matrices: 3,
        dtype: NumberType::Bf16,
        tensor_parallel: 1,
        implementation: Implementation::Fused,
    }
}

fn power() -> (PowerLaw, Clock) {
    let power = PowerLaw {
        constant: Watts::new(16.0),
        memory_constant: Watts::new(36.0),
        clock_w_per_ghz: 6.5,
        leakage: Watts::new(60.0),
        leakage_reference: Celsius::new(41.0),
        leakage_per_kelvin: 0.015,
        leakage_law: LeakageLaw::Linear,
        leakage_voltage_exponent: 2.0,
        joules_per_flop: 1.2e-12,
        joules_per_byte: 97e-12,
        byte_share_in_memory: 0.28,
        byte_share_on_path: 0.0,
    };
    let voltage = vec![[345.0, 0.67], [800.0, 0.67], [1980.0, 1.0]];
    (power, Clock { min_mhz: 345.0, max_mhz: 1980.0, step_mhz: 15.0, voltage })
}

#[test]
fn no_assignment_is_no_work() {
    let work = model().work(&mixtral(), Batch::exchanged(&[0; 8], 2));
    assert_eq!((work.seconds(1980.0), work.bytes, work.flops), (0.0, 0.0, 0.0));
}

/// At small batch time follows the experts touched, not the tokens.
#[test]
fn distinct_experts_move_their_weights_once() {
    let model = model();
    let seconds = |counts: &[u32]| model.work(&mixtral(), Batch::exchanged(counts, 1)).seconds(1980.0);
    let (one, eight) = (seconds(&[8, 0, 0, 0, 0, 0, 0, 0]), seconds(&[1; 8]));
    assert!(eight > 3.0 * one, "{one} {eight}");
    assert!(seconds(&[8; 8]) < 1.05 * eight);
    let weights = model.work(&mixtral(), Batch::exchanged(&[1; 8], 1)).bytes;
    let least = 8.0 * 3.0 * 4096.0 * 14336.0 * 2.0;
    assert!(weights > least && weights < 1.01 * least);
}

#[test]
fn tensor_parallelism_shares_operations_and_weights() {
    let (model, whole) = (model(), mixtral());
    let slice = LayerShape { tensor_parallel: 8, ..whole };
    let counts = [512; 8];
    let (a, b) = (model.work(&whole, Batch::exchanged(&counts, 2)), model.work(&slice, Batch::exchanged(&counts, 2)));
    assert_eq!(a.flops, 8.0 * b.flops);
    assert!(b.seconds(1980.0) > a.seconds(1980.0) / 8.0 && b.seconds(1980.0) < a.seconds(1980.0) / 4.0);
}

#[test]
fn only_compute_follows_the_clock() {
    let model = model();
    let slowdown = |count: u32| {
        let work = model.work(&mixtral(), Batch::exchanged(&[count; 8], 2));
        (work.seconds(990.0) / work.seconds(1980.0), work.bound(1980.0))
    };
    let (small, large) = (slowdown(1), slowdown(4096));
    // The padded tiles compute for a fifth of the memory time: at half the clock the norm of p = 2 grows by 6 %.
    assert!(small.0 < 1.07 && small.1 == Bound::Memory, "{small:?}");
    assert!(large.0 > 1.8 && large.1 == Bound::Compute, "{large:?}");
}

#[test]
fn rows_of_experts_elsewhere_cost_time_but_no_operations() {
    let model = model();
    let counts = [2048];
    let near = model.work(&mixtral(), Batch::exchanged(&counts, 2));
    let all = model.work(&mixtral(), Batch::replicated(&counts, 8192, 2));
    assert_eq!(near.flops, all.flops);
    assert!(all.seconds(1980.0) > near.seconds(1980.0));
}

#[test]
fn fewer_bits_cost_less_time_and_energy() {
    let (model, (power, _)) = (model(), power());
    let joules = |dtype, count| {
        let work = model.work(&LayerShape { dtype, ..mixtral() }, Batch::exchanged(&[count; 8], 2));
        let (compute, memory) = work.dynamic_joules(&power, 1.0);
        (work.seconds(1980.0), compute + memory)
    };
    for count in [1, 4096] {
        let (wide, narrow) = (joules(NumberType::Bf16, count), joules(NumberType::Fp8, count));
        assert!(narrow.0 < 0.7 * wide.0 && narrow.1 < 0.7 * wide.1, "{count}: {wide:?} {narrow:?}");
    }
    // A type the profile does not give falls back to the next wider one.
    assert_eq!(joules(NumberType::Fp8Block, 64), joules(NumberType::Fp8, 64));
}

#[test]
fn the_capped_step_keeps_the_cap_and_the_next_one_does_not() {
    let (model, (power, clock)) = (model(), power());
    let work = model.work(&mixtral(), Batch::exchanged(&[4096; 8], 2));
    let watts = |step| busy_draw(&power, &clock, clock.mhz(step), 60.0, &work).total();
    let step = capped_step(&power, &clock, 700.0, 60.0, &work);
    assert!(step + 1 < clock.steps(), "the load must be capped for this test, it draws {}", watts(step));
    assert!(watts(step) <= 700.0 && watts(step + 1) > 700.0);
    assert_eq!(capped_step(&power, &clock, 1e4, 60.0, &work), clock.steps() - 1);
    assert_eq!(capped_step(&power, &clock, 1.0, 60.0, &work), 0);
}

#[test]
fn a_waiting_gpu_draws_its_idle_power() {
    let (power, clock) = power();
    let idle = idle_draw(&power, &clock, 1980.0, 41.0);
    assert!((idle.total() - 124.87).abs() < 1e-9, "{}", idle.total());
    assert_eq!(busy_draw(&power, &clock, 1980.0, 41.0, &Work::default()), idle);
}

#[test]
fn faults_name_the_key() {
    let mut wrong = model();
    wrong.types.bf16.flops_per_s = f64::NAN;
    let kernels = Kernels { fused: wrong, sequential: None };
    let fault = kernels.check().unwrap_err();
    assert_eq!(fault, "`kernel.fused`: `type.bf16`: `flops_per_s` must be a positive number, found NaN");
    assert!(LayerShape { matrices: 4, ..mixtral() }.check().is_err());
    assert!(model().check().is_ok() && mixtral().check().is_ok());
}
