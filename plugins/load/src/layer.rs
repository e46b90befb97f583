//! The weights of a layer's experts on one device, and the products over them.

use candle_core::{DType, Device, Result, Shape, Tensor};
use isotherm_plugin::prelude::*;
use isotherm_plugin::rng::fill_standard_normal;

/// Most rows that are multiplied at once; more assignments are worked off in pieces, which are long enough to be as efficient as the whole.
const MOST_ROWS: u32 = 4096;

/// All experts of a layer on one device, and random hidden states for them to work on.
///
/// The product over `n` rows `x` of an expert with a gate is `(silu(x G) * (x U)) D`, without one `silu(x U) D`.
///
/// ```
/// use isotherm_load::Layer;
/// use isotherm_plugin::prelude::*;
/// let shape = LoadShape { devices: vec![0], experts: 2, top_k: 1, d_model: 8, d_ff: 16, matrices: 3 };
/// let layer = Layer::new(&shape, &candle_core::Device::Cpu, candle_core::DType::F32, 7)?;
/// assert_eq!(layer.output(ExpertId(1), 5)?.dims(), [5, 8]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Layer {
    device: Device,
    experts: Vec<Weights>,
    states: Tensor,
    rows: usize,
}

/// The matrices of one expert.
#[derive(Clone, Debug)]
pub struct Weights {
    /// `[d_model, d_ff]`; `None` for an expert of two matrices.
    pub gate: Option<Tensor>,
    /// `[d_model, d_ff]`.
    pub up: Tensor,
    /// `[d_ff, d_model]`.
    pub down: Tensor,
}

impl Layer {
    /// Makes the weights of all experts on `device`. Their variance keeps outputs near 1, so that no number is denormal or infinite.
    ///
    /// # Errors
    /// What candle says if the device does not take them.
    pub fn new(shape: &LoadShape, device: &Device, dtype: DType, seed: u64) -> Result<Self> {
        let (model, hidden) = (shape.d_model as usize, shape.d_ff as usize);
        let mut source = Source::new(device, dtype, seed)?;
        let rows = MOST_ROWS as usize;
        let states = source.normal((rows, model), 1.0)?;
        let mut expert = || {
            let gate = match shape.matrices {
                3 => Some(source.normal((model, hidden), 1.0 / (model as f64).sqrt())?),
                _ => None,
            };
            let up = source.normal((model, hidden), 1.0 / (model as f64).sqrt())?;
            Ok(Weights { gate, up, down: source.normal((hidden, model), 1.0 / (hidden as f64).sqrt())? })
        };
        let experts = (0..shape.experts).map(|_| expert()).collect::<Result<_>>()?;
        device.synchronize()?;
        Ok(Self { device: device.clone(), experts, states, rows })
    }

    /// Bytes that [`Layer::new`] and the largest piece of work take, and one matrix on its way to them.
    #[must_use]
    pub fn bytes(shape: &LoadShape, dtype: DType) -> u64 {
        let LoadShape { experts, d_model, d_ff, matrices, .. } = shape;
        let [experts, d_model, d_ff, matrices] = [*experts, *d_model, *d_ff, *matrices].map(u64::from);
        let matrix = d_model.saturating_mul(d_ff);
        let weights = matrix.saturating_mul(matrices).saturating_mul(experts);
        let states =
            u64::from(MOST_ROWS).saturating_mul(d_ff.saturating_mul(4).saturating_add(d_model.saturating_mul(2)));
        let size = dtype.size_in_bytes() as u64;
        weights.saturating_add(states).saturating_mul(size).saturating_add(matrix.saturating_mul(4))
    }

    /// The matrices of an expert, if there is one of this number.
    #[must_use]
    pub fn weights(&self, expert: ExpertId) -> Option<&Weights> {
        self.experts.get(expert.0 as usize)
    }

    /// `[tokens, d_model]`: the first rows that an expert works on. At most 4096.
    ///
    /// # Errors
    /// If there are not so many.
    pub fn states(&self, tokens: u32) -> Result<Tensor> {
        self.states.narrow(0, 0, tokens as usize)
    }

    /// What an expert makes of [`Layer::states`]: `[tokens, d_model]`. [`Layer::execute`] does this and throws it away.
    ///
    /// # Errors
    /// If there is no such expert or there are not so many rows.
    pub fn output(&self, expert: ExpertId, tokens: u32) -> Result<Tensor> {
        let weights =
            self.weights(expert).ok_or_else(|| candle_core::Error::Msg(format!("there is no expert {expert}")))?;
        weights.apply(&self.states(tokens)?)
    }

    /// Executes a share, and returns when the device is done.
    ///
    /// # Errors
    /// If there is no such expert, or the device fails.
    pub fn execute(&self, share: &Share) -> Result<()> {
        for (expert, assignments) in share {
            let mut left = *assignments;
            while left > 0 {
                let rows = left.min(self.rows as u32);
                self.output(*expert, rows)?;
                left -= rows;
            }
        }
        self.device.synchronize()
    }

    /// Works once with every size that libraries have a kernel of their own for: what they load when it is first asked for is there afterwards.
    ///
    /// # Errors
    /// As [`Layer::execute`].
    pub fn warm_up(&self) -> Result<()> {
        let most = if self.device.is_cpu() { 1 } else { self.rows as u32 };
        let mut rows = 1;
        while rows <= most {
            self.execute(&vec![(ExpertId(0), rows)])?;
            rows *= 2;
        }
        Ok(())
    }
}

impl Weights {
    fn apply(&self, states: &Tensor) -> Result<Tensor> {
        let up = states.matmul(&self.up)?;
        let inner = match &self.gate {
            Some(gate) => (states.matmul(gate)?.silu()? * up)?,
            None => up.silu()?,
        };
        inner.matmul(&self.down)
    }
}

/// Where random numbers come from: the device itself if it has a generator with a seed, else the core's.
struct Source<'d> {
    device: &'d Device,
    dtype: DType,
    seed: u64,
    made: u64,
}

impl<'d> Source<'d> {
    fn new(device: &'d Device, dtype: DType, seed: u64) -> Result<Self> {
        if !device.is_cpu() {
            device.set_seed(seed)?;
        }
        Ok(Self { device, dtype, seed, made: 0 })
    }

    fn normal(&mut self, shape: (usize, usize), deviation: f64) -> Result<Tensor> {
        let block = self.made;
        self.made += 1;
        if !self.device.is_cpu() {
            return Tensor::randn(0.0_f32, deviation as f32, shape, self.device)?.to_dtype(self.dtype);
        }
        let mut numbers = vec![0.0; Shape::from(shape).elem_count()];
        fill_standard_normal([self.seed as u32, (self.seed >> 32) as u32], block, &mut numbers);
        for number in &mut numbers {
            *number *= deviation as f32;
        }
        Tensor::from_vec(numbers, shape, self.device)?.to_dtype(self.dtype)
    }
}
