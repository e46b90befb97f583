//! One tensor of a safetensors file, without reading the others: a checkpoint has gigabytes, a gate some megabytes of them.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use candle_core::{DType, Device, Tensor};
use isotherm_core::input::InputError;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::options::open;

/// What the header says of a tensor.
#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    /// Where its bytes are, counted from the end of the header.
    data_offsets: [u64; 2],
}

/// No header of a real checkpoint is longer (bytes).
const MOST_HEADER: u64 = 100_000_000;

/// The values of a tensor as f32, and its shape.
pub(super) fn read(name: &str, tensor: &str) -> Result<(Vec<f32>, Vec<usize>), InputError> {
    let fault = |found: String| InputError::new(name, found, "expected a safetensors file with the gates of a model");
    let unreadable = |error: std::io::Error| fault(format!("the file cannot be read as safetensors ({error})"));
    let mut file = open(name)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(unreadable)?;
    let length = u64::from_le_bytes(length);
    if length > MOST_HEADER.min(size.saturating_sub(8)) {
        return Err(fault("it is no safetensors: its header would be longer than the file".to_owned()));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(unreadable)?;
    let mut header: Map<String, Value> =
        serde_json::from_slice(&header).map_err(|error| fault(format!("it is no safetensors ({error})")))?;
    let Some(entry) = header.remove(tensor) else {
        return Err(fault(format!("there is no tensor `{tensor}` among {}", some_of(header))));
    };
    let values = serde_json::from_value(entry)
        .map_err(|error| error.to_string())
        .and_then(|entry: Entry| Ok((values(&mut file, 8 + length, &entry)?, entry.shape)));
    values.map_err(|error| fault(format!("`{tensor}` cannot be read as numbers: {error}")))
}

fn values(file: &mut File, data: u64, entry: &Entry) -> Result<Vec<f32>, String> {
    let dtype: DType = entry.dtype.to_lowercase().parse().map_err(|_| format!("numbers of type {}", entry.dtype))?;
    let number = entry.shape.iter().try_fold(1_usize, |all, n| all.checked_mul(*n));
    let bytes = number.and_then(|number| number.checked_mul(dtype.size_in_bytes())).map(|bytes| bytes as u64);
    let [from, until] = entry.data_offsets;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    if until.checked_sub(from) != bytes || data.checked_add(until).is_none_or(|end| end > size) {
        return Err(format!("{from} to {until} is no place for {:?} numbers of type {}", entry.shape, entry.dtype));
    }
    let mut raw = vec![0; (until - from) as usize];
    file.seek(SeekFrom::Start(data + from))
        .and_then(|_| file.read_exact(&mut raw))
        .map_err(|error| error.to_string())?;
    let tensor = Tensor::from_raw_buffer(&raw, dtype, &entry.shape, &Device::Cpu);
    let values = tensor.and_then(|tensor| tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1());
    values.map_err(|error| error.to_string())
}

/// The first few of the names, those that speak of a gate or a router before others.
fn some_of(header: Map<String, Value>) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> =
        header.into_iter().map(|(name, _)| name).filter(|name| name != "__metadata__").collect();
    names.sort_by_key(|name| (!(name.contains("gate") || name.contains("router")), name.clone()));
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let shown = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
