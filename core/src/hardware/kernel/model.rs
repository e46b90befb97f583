//! The parameters of the cost model: what a device's kernels achieve.

use serde::{Deserialize, Serialize};

use super::{Implementation, NumberType};

/// The `[kernel]` section of a device profile: one set of numbers per way of launching the experts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernels {
    /// One kernel over all experts.
    pub fused: KernelModel,
    /// One product after another; as `fused` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequential: Option<KernelModel>,
}

impl Kernels {
    /// The numbers of an implementation.
    #[must_use]
    pub fn of(&self, implementation: Implementation) -> &KernelModel {
        match (implementation, &self.sequential) {
            (Implementation::Sequential, Some(model)) => model,
            _ => &self.fused,
        }
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// The first number that is not physical, with its key.
    pub fn check(&self) -> Result<(), String> {
        self.fused.check().map_err(|fault| format!("`kernel.fused`: {fault}"))?;
        self.sequential.as_ref().map_or(Ok(()), |m| m.check().map_err(|fault| format!("`kernel.sequential`: {fault}")))
    }
}

/// What the kernels of one implementation achieve on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelModel {
    /// SM clock at which `flops_per_s` of the types holds (MHz).
    pub reference_mhz: f64,
    /// How compute time follows the clock: it grows with (reference_mhz / clock) to this power. 1 where the multiprocessors
    /// alone set the pace; less where caches and memory, which have clocks of their own, set part of it.
    #[serde(default = "proportional")]
    pub clock_exponent: f64,
    /// Bandwidth that a product achieves (bytes/s).
    pub memory_bytes_per_s: f64,
    /// Bandwidth that the kernels between and around the products achieve (bytes/s).
    pub elementwise_bytes_per_s: f64,
    /// Exponent p of the norm that joins memory, compute and chain time: 1 adds them, large takes the longest.
    pub overlap: f64,
    /// Columns that filling and draining a tile's pipeline costs, as if the product were that much deeper.
    pub prologue_columns: f64,
    /// Rows an expert up to which its weights are read once: the panel that one wave of tiles covers. Further rows read
    /// them again in proportion; 0 means never.
    #[serde(default)]
    pub panel_rows: f64,
    /// Time to launch the products of one active expert (s).
    #[serde(default)]
    pub launch_per_expert_s: f64,
    /// 16-bit passes over the inner activations outside the products (a gated activation: read 2, write 1).
    pub inner_passes: f64,
    /// 16-bit passes over a row of width d_model outside the products (sum over the chosen experts: read 1).
    pub outer_passes: f64,
    /// 16-bit passes over the tokens themselves.
    pub token_passes: f64,
    /// The numbers of each type.
    #[serde(rename = "type")]
    pub types: Types,
}

/// The numbers of each type that the device computes with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Types {
    /// 16-bit brain floats.
    pub bf16: TypeModel,
    /// 8-bit floats, one scale per tensor; as `bf16` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fp8: Option<TypeModel>,
    /// 8-bit floats, one scale per block; as `fp8` where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fp8_block: Option<TypeModel>,
}

/// What a device achieves in one number format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeModel {
    /// Bytes of a weight, and of an activation that enters a product.
    pub bytes: f64,
    /// Rate of full tiles at `reference_mhz` (operations/s).
    pub flops_per_s: f64,
    /// Fixed time of a layer: launches, sorting the tokens by expert (s).
    pub launch_s: f64,
    /// Time in which one tile walks one column (s), limited by latency.
    pub chain_s_per_column: f64,
    /// Rows that the tensor cores compute at least, however few a tile has; of an expert where there are no tiles.
    pub least_rows: f64,
    /// Rows of a tile against tokens in the call, as `[tokens up to, rows]`; the last entry also holds above. A tile takes its whole time however few rows
    /// it has. 0 rows means no tiles: a library that picks a kernel by the size of every product, so that rows take what they take.
    pub block_rows: Vec<[u32; 2]>,
    /// Passes that turning activations into this format costs, in units of reading 16 bits and writing 8.
    pub quantise_passes: f64,
    /// Energy of an operation relative to `power.joules_per_flop`.
    pub joules_ratio: f64,
}

fn proportional() -> f64 {
    1.0
}

impl KernelModel {
    /// The numbers of a type, or of the nearest wider one that is given.
    #[must_use]
    pub fn of(&self, dtype: NumberType) -> &TypeModel {
        let fp8 = self.types.fp8.as_ref().unwrap_or(&self.types.bf16);
        match dtype {
            NumberType::Bf16 => &self.types.bf16,
            NumberType::Fp8 => fp8,
            NumberType::Fp8Block => self.types.fp8_block.as_ref().unwrap_or(fp8),
        }
    }

    /// What is wrong with these numbers, as a sentence.
    ///
    /// # Errors
    /// A rate that is not positive, a time that is negative, an overlap below 1, a type without tiles.
    pub fn check(&self) -> Result<(), String> {
        positive(&[
            ("reference_mhz", self.reference_mhz),
            ("memory_bytes_per_s", self.memory_bytes_per_s),
            ("elementwise_bytes_per_s", self.elementwise_bytes_per_s),
        ])?;
        not_negative(&[
            ("clock_exponent", self.clock_exponent),
            ("prologue_columns", self.prologue_columns),
            ("panel_rows", self.panel_rows),
            ("launch_per_expert_s", self.launch_per_expert_s),
            ("inner_passes", self.inner_passes),
            ("outer_passes", self.outer_passes),
            ("token_passes", self.token_passes),
        ])?;
        if !(self.overlap.is_finite() && self.overlap >= 1.0) {
            return Err(format!("`overlap` must be at least 1, found {}", self.overlap));
        }
        let types = [("bf16", Some(&self.types.bf16)), ("fp8", self.types.fp8.as_ref())];
        for (name, model) in types.into_iter().chain([("fp8_block", self.types.fp8_block.as_ref())]) {
            model.map_or(Ok(()), TypeModel::check).map_err(|fault| format!("`type.{name}`: {fault}"))?;
        }
        Ok(())
    }
}

impl TypeModel {
    /// Rows of a tile for a call of so many tokens.
    #[must_use]
    pub fn block_rows(&self, tokens: u32) -> u32 {
        let last = self.block_rows.last().map_or(0, |entry| entry[1]);
        self.block_rows.iter().find(|entry| tokens <= entry[0]).map_or(last, |entry| entry[1])
    }

    fn check(&self) -> Result<(), String> {
        positive(&[("bytes", self.bytes), ("flops_per_s", self.flops_per_s), ("joules_ratio", self.joules_ratio)])?;
        not_negative(&[
            ("launch_s", self.launch_s),
            ("chain_s_per_column", self.chain_s_per_column),
            ("least_rows", self.least_rows),
            ("quantise_passes", self.quantise_passes),
        ])?;
        if self.block_rows.is_empty() {
            return Err(
                "`block_rows` must list [tokens up to, rows of a tile], for example [[64, 16], [512, 64]]".into()
            );
        }
        Ok(())
    }
}

fn positive(numbers: &[(&str, f64)]) -> Result<(), String> {
    let wrong = numbers.iter().find(|(_, value)| !(value.is_finite() && *value > 0.0));
    wrong.map_or(Ok(()), |(key, value)| Err(format!("`{key}` must be a positive number, found {value}")))
}

fn not_negative(numbers: &[(&str, f64)]) -> Result<(), String> {
    let wrong = numbers.iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0));
    wrong.map_or(Ok(()), |(key, value)| Err(format!("`{key}` must be a number that is not negative, found {value}")))
}
