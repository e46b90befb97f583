//! Fitting the cost model to measured kernels.

use isotherm_core::hardware::DeviceProfile;
use isotherm_core::hardware::kernel::{KernelModel, NumberType, TypeModel};
use serde::Serialize;

use super::check::predict;
use super::least_squares::Problem;
use super::{Device, Distribution, KernelRow, RoutedCounts};

/// A fitted model.
#[derive(Clone, Debug, Serialize)]
pub struct KernelFit {
    /// The model, with every number that was not fitted as it was.
    pub model: KernelModel,
    /// The fitted numbers: key, value, and half width of the 95 % interval relative to the value.
    pub numbers: Vec<(String, f64, f64)>,
    /// Rows used.
    pub rows: usize,
}

/// Logarithmic error from which on a row counts like |error|.
const SOFT: f64 = 0.1;
const ROUNDS: u32 = 40;

/// A fitted number: its key, its place in the model, and how far from its start it may go, as factors.
struct Number {
    key: String,
    place: fn(&mut KernelModel, Option<NumberType>) -> Option<&mut f64>,
    dtype: Option<NumberType>,
    range: [f64; 2],
}

/// Fits the fused kernels of `profile` to the balanced, aligned rows, in the logarithm of time.
///
/// Numbers that follow from the format or from the kernels' source (tile sizes, passes over activations, energies) stay as
/// they are. Each fitted number keeps within bounds of its start that physics gives: no more bandwidth or rate than the
/// data sheet's, which the profile's start must respect.
///
/// # Errors
/// A sentence where the profile has no `[kernel]` section, or no row can be used.
pub fn fit_kernels(profile: &DeviceProfile, rows: &[KernelRow]) -> Result<KernelFit, String> {
    let mut profile = profile.clone();
    Device::new(&profile)?;
    let usable = |row: &&KernelRow| row.distribution == Distribution::Balanced && row.aligned();
    let used: Vec<(&KernelRow, RoutedCounts)> =
        rows.iter().filter(usable).map(|row| (row, RoutedCounts::of(row))).collect();
    if used.is_empty() {
        return Err("no balanced row whose slices are multiples of 16: nothing to fit to".into());
    }
    let has = |dtype| used.iter().any(|(row, _)| row.dtype == dtype);
    let numbers = numbers(&has);
    let start = profile.kernel.clone().ok_or("the profile has no [kernel] section to start from")?.fused;
    let initial: Vec<f64> = numbers.iter().map(|number| number.read(&start)).map(libm::log).collect();
    let bounds: Vec<[f64; 2]> = numbers.iter().zip(&initial).map(|(n, x)| n.range.map(|r| x + libm::log(r))).collect();
    let with = |at: &[f64]| {
        let mut model = start.clone();
        numbers.iter().zip(at).for_each(|(number, x)| number.write(&mut model, libm::exp(*x)));
        model
    };
    let problem = Problem { bounds: &bounds, soft: SOFT, rounds: ROUNDS };
    let solution = problem.solve(&initial, |at| {
        let mut device = match Device::new(&profile) {
            Ok(device) => device,
            Err(_) => return vec![0.0; used.len()],
        };
        device.kernels.fused = with(at);
        used.iter().map(|(row, routed)| libm::log(predict(&device, row, routed) / row.seconds)).collect()
    });
    let model = with(&solution.at);
    if let Some(kernels) = &mut profile.kernel {
        kernels.fused = model.clone();
    }
    let found = |(k, number): (usize, &Number)| (number.key.clone(), number.read(&model), 1.96 * solution.error[k]);
    let numbers = numbers.iter().enumerate().map(found).collect();
    Ok(KernelFit { model, numbers, rows: used.len() })
}

fn numbers(has: &dyn Fn(NumberType) -> bool) -> Vec<Number> {
    let shared = |key: &str, place, range| Number { key: key.into(), place, dtype: None, range };
    let mut all = vec![
        shared("memory_bytes_per_s", |m, _| Some(&mut m.memory_bytes_per_s), [0.75, 1.0]),
        shared("elementwise_bytes_per_s", |m, _| Some(&mut m.elementwise_bytes_per_s), [0.3, 1.3]),
        shared("overlap", |m, _| Some(&mut m.overlap), [0.6, 3.0]),
        shared("prologue_columns", |m, _| Some(&mut m.prologue_columns), [0.1, 3.0]),
    ];
    for dtype in [NumberType::Bf16, NumberType::Fp8, NumberType::Fp8Block].into_iter().filter(|dtype| has(*dtype)) {
        let name = match dtype {
            NumberType::Bf16 => "bf16",
            NumberType::Fp8 => "fp8",
            NumberType::Fp8Block => "fp8_block",
        };
        let mut add = |key: &str, place, range| {
            all.push(Number { key: format!("type.{name}.{key}"), place, dtype: Some(dtype), range });
        };
        add("flops_per_s", |m, t| Some(&mut of(m, t)?.flops_per_s), [0.4, 1.6]);
        add("launch_s", |m, t| Some(&mut of(m, t)?.launch_s), [0.3, 3.0]);
        add("chain_s_per_column", |m, t| Some(&mut of(m, t)?.chain_s_per_column), [0.1, 5.0]);
        add("least_rows", |m, t| Some(&mut of(m, t)?.least_rows), [0.3, 3.0]);
        if dtype != NumberType::Bf16 {
            add("quantise_passes", |m, t| Some(&mut of(m, t)?.quantise_passes), [0.05, 4.0]);
        }
    }
    all
}

fn of(model: &mut KernelModel, dtype: Option<NumberType>) -> Option<&mut TypeModel> {
    match dtype? {
        NumberType::Bf16 => Some(&mut model.types.bf16),
        NumberType::Fp8 => model.types.fp8.as_mut(),
        NumberType::Fp8Block => model.types.fp8_block.as_mut(),
    }
}

impl Number {
    fn read(&self, model: &KernelModel) -> f64 {
        (self.place)(&mut model.clone(), self.dtype).copied().unwrap_or(1.0)
    }

    fn write(&self, model: &mut KernelModel, value: f64) {
        if let Some(place) = (self.place)(model, self.dtype) {
            *place = value;
        }
    }
}
