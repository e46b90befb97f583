//! Reading a table of measured MoE kernels.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use isotherm_core::hardware::kernel::{Implementation, LayerShape, NumberType};
use serde::Serialize;
use thiserror::Error;

use super::Distribution;

/// A table of kernels as read: the rows the model speaks about, and what was left out.
#[derive(Clone, Debug, Default)]
pub struct KernelTable {
    /// Rows in the order of the file.
    pub rows: Vec<KernelRow>,
    /// What was left out and why, a sentence each.
    pub notes: Vec<String>,
}

/// One measured kernel.
#[derive(Clone, Debug)]
pub struct KernelRow {
    /// The model's shape.
    pub shape: Shape,
    /// Number format.
    pub dtype: NumberType,
    /// GPUs that share every expert.
    pub tensor_parallel: u32,
    /// GPUs that the experts are spread over; the table measures the busiest.
    pub expert_parallel: u32,
    /// How tokens spread over experts.
    pub distribution: Distribution,
    /// Tokens in the batch, all of them present on every GPU.
    pub tokens: u32,
    /// Measured time (s).
    pub seconds: f64,
}

/// The shape of a model's MoE layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Shape {
    /// Width of a token.
    pub d_model: u32,
    /// Inner width of an expert.
    pub d_ff: u32,
    /// Experts a token goes to.
    pub top_k: u32,
    /// Experts of the layer.
    pub experts: u32,
}

impl KernelRow {
    /// The layer as the cost model takes it.
    #[must_use]
    pub fn layer(&self) -> LayerShape {
        LayerShape {
            d_model: self.shape.d_model,
            d_ff: self.shape.d_ff,
            matrices: 3,
            dtype: self.dtype,
            tensor_parallel: self.tensor_parallel,
            implementation: Implementation::Fused,
        }
    }

    /// Whether a slice of an expert is a whole number of 16-wide blocks. Others cannot be loaded in vectors and are up to
    /// 20 times slower; the model does not describe them and they are left out of fits (but not of checks).
    #[must_use]
    pub fn aligned(&self) -> bool {
        self.shape.d_ff.is_multiple_of(16 * self.tensor_parallel)
    }
}

/// Why a table of kernels could not be read.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file cannot be opened or unpacked.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Not a table.
    #[error("{}: {source}", path.display())]
    Csv {
        /// Which file.
        path: PathBuf,
        /// What the reader says.
        source: csv::Error,
    },
    /// A column is missing.
    #[error("{}: no column `{column}`; a table of kernels has the columns {}, found: {found}", path.display(), REQUIRED.join(", "))]
    Column {
        /// Which file.
        path: PathBuf,
        /// The missing column.
        column: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// A value that cannot be.
    #[error("{}, line {line}, column `{column}`: expected {expected}, found `{found}`", path.display())]
    Value {
        /// Which file.
        path: PathBuf,
        /// Line of the file, the header being 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What was expected, with an example.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// Nothing to compare with.
    #[error("{}: no row with a known number format (bfloat16, fp8, fp8_block) and distribution (balanced, power_law_1.2)", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

const REQUIRED: [&str; 10] = [
    "moe_dtype",
    "hidden_size",
    "inter_size",
    "topk",
    "num_experts",
    "moe_tp_size",
    "moe_ep_size",
    "distribution",
    "num_tokens",
    "latency",
];
const OPTIONAL: [&str; 8] =
    ["kernel_source", "power", "power_limit", "framework", "version", "device", "op_name", "model_name"];

/// Reads a table of kernels, `.csv` or `.csv.gz`, with the columns of aiconfigurator: `latency` in ms, one row a kernel.
///
/// Rows of number formats or distributions that the model does not know are left out, and columns it does not know are not
/// read; both are said in the notes.
///
/// # Errors
/// [`TableError`] names the file, and the line and column of the first value that cannot be.
pub fn read_kernels(path: &Path) -> Result<KernelTable, TableError> {
    let fail = |source| TableError::File { path: path.to_path_buf(), source };
    let mut text = Vec::new();
    File::open(path).and_then(|mut file| file.read_to_end(&mut text)).map_err(fail)?;
    // By content, not by name: a file that lost its ending is still understood.
    if text.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(text.as_slice()).read_to_end(&mut plain).map_err(fail)?;
        text = plain;
    }
    parse(path, &text)
}

fn parse(path: &Path, text: &[u8]) -> Result<KernelTable, TableError> {
    let broken = |source| TableError::Csv { path: path.to_path_buf(), source };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let header = reader.headers().map_err(broken)?.clone();
    let mut table = KernelTable::default();
    let mut columns = [0; REQUIRED.len()];
    for (place, name) in columns.iter_mut().zip(REQUIRED) {
        let missing = || TableError::Column {
            path: path.to_path_buf(),
            column: name,
            found: header.iter().collect::<Vec<_>>().join(", "),
        };
        *place = header.iter().position(|column| column == name).ok_or_else(missing)?;
    }
    let known = |column: &&str| REQUIRED.contains(column) || OPTIONAL.contains(column);
    let unknown: Vec<&str> = header.iter().filter(|column| !known(column)).collect();
    if !unknown.is_empty() {
        table.notes.push(format!("columns not read: {}", unknown.join(", ")));
    }
    let mut skipped: Vec<(String, u32)> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = Line { path, record: &record, columns: &columns };
        match line.row()? {
            Ok(row) => table.rows.push(row),
            Err(reason) => match skipped.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => skipped.push((reason, 1)),
            },
        }
    }
    table.notes.extend(skipped.into_iter().map(|(reason, count)| format!("{count} rows left out: {reason}")));
    if table.rows.is_empty() {
        return Err(TableError::Empty { path: path.to_path_buf() });
    }
    Ok(table)
}

struct Line<'a> {
    path: &'a Path,
    record: &'a csv::StringRecord,
    columns: &'a [usize; REQUIRED.len()],
}

impl Line<'_> {
    fn text(&self, column: usize) -> &str {
        self.record.get(self.columns[column]).unwrap_or("")
    }

    fn wrong(&self, column: usize, expected: &'static str) -> TableError {
        TableError::Value {
            path: self.path.to_path_buf(),
            line: self.record.position().map_or(0, csv::Position::line),
            column: REQUIRED[column],
            expected,
            found: self.text(column).to_owned(),
        }
    }

    fn count(&self, column: usize) -> Result<u32, TableError> {
        let value = self.text(column).parse().ok().filter(|value| *value > 0);
        value.ok_or_else(|| self.wrong(column, "a whole number above 0, for example 128"))
    }

    /// The row, or why it is left out.
    fn row(&self) -> Result<Result<KernelRow, String>, TableError> {
        let dtype = match self.text(0) {
            "bfloat16" | "bf16" => NumberType::Bf16,
            "fp8" => NumberType::Fp8,
            "fp8_block" => NumberType::Fp8Block,
            other => return Ok(Err(format!("number format `{other}`"))),
        };
        let distribution = match self.text(7) {
            "balanced" => Distribution::Balanced,
            other => match other.strip_prefix("power_law_").map(str::parse) {
                Some(Ok(exponent)) => Distribution::PowerLaw(exponent),
                _ => return Ok(Err(format!("distribution `{other}`"))),
            },
        };
        let shape =
            Shape { d_model: self.count(1)?, d_ff: self.count(2)?, top_k: self.count(3)?, experts: self.count(4)? };
        if shape.top_k > shape.experts {
            return Err(self.wrong(3, "at most as many experts a token as there are"));
        }
        let (tensor_parallel, expert_parallel) = (self.count(5)?, self.count(6)?);
        if !shape.experts.is_multiple_of(expert_parallel) {
            return Err(self.wrong(6, "a divisor of `num_experts`"));
        }
        let milliseconds = self.text(9).parse::<f64>().ok().filter(|value| value.is_finite() && *value > 0.0);
        let seconds = 1e-3 * milliseconds.ok_or_else(|| self.wrong(9, "a time above 0 ms, for example 0.21"))?;
        let tokens = self.count(8)?;
        Ok(Ok(KernelRow { shape, dtype, tensor_parallel, expert_parallel, distribution, tokens, seconds }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "moe_dtype,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution,num_tokens,latency";

    fn read(text: &str) -> Result<KernelTable, TableError> {
        parse(Path::new("kernels.csv"), text.as_bytes())
    }

    #[test]
    fn rows_are_read_and_strangers_are_counted() {
        let text = format!(
            "{HEADER},mood\nbfloat16,4096,14336,2,8,1,1,balanced,1,0.21,good\nnvfp4,4096,14336,2,8,1,1,balanced,1,0.2,bad\n"
        );
        let table = read(&text).unwrap();
        assert_eq!(table.rows.len(), 1);
        assert!((table.rows[0].seconds - 2.1e-4).abs() < 1e-12);
        assert_eq!(table.notes, ["columns not read: mood", "1 rows left out: number format `nvfp4`"]);
    }

    #[test]
    fn faults_name_line_and_column() {
        let text = format!("{HEADER}\nbfloat16,4096,14336,2,8,1,1,balanced,1,NaN\n");
        let fault = read(&text).unwrap_err().to_string();
        assert_eq!(
            fault,
            "kernels.csv, line 2, column `latency`: expected a time above 0 ms, for example 0.21, found `NaN`"
        );
        let fault = read("moe_dtype,latency\nfp8,1\n").unwrap_err().to_string();
        assert!(fault.contains("no column `hidden_size`"), "{fault}");
        let fault = read(&format!("{HEADER}\nfp8,4096,14336,2,8,1,3,balanced,1,1\n")).unwrap_err().to_string();
        assert!(fault.contains("a divisor of `num_experts`"), "{fault}");
        let fault = read(&format!("{HEADER}\n")).unwrap_err().to_string();
        assert!(fault.contains("no row with a known number format"), "{fault}");
    }
}
