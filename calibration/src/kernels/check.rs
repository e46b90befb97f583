//! How far a profile is off measured kernels.

use isotherm_core::hardware::DeviceProfile;
use isotherm_core::hardware::kernel::{Batch, NumberType};
use serde::Serialize;

use super::{Device, Distribution, KernelRow, KernelTable, RoutedCounts, Shape};

/// Errors of predicted kernel times.
#[derive(Clone, Debug, Serialize)]
pub struct KernelReport {
    /// Per model shape and number format, balanced rows.
    pub shapes: Vec<ShapeError>,
    /// All balanced rows.
    pub balanced: CellError,
    /// All rows of a power law.
    pub skewed: CellError,
    /// Cells whose skewed time differs from the balanced one by more than 3 %.
    pub sign_cells: usize,
    /// Part of them where the model says the same sign.
    pub sign_agreement: f64,
    /// What was left out.
    pub notes: Vec<String>,
    /// Every row, for a drawing.
    pub points: Vec<KernelPoint>,
}

/// A measured kernel and what the model says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct KernelPoint {
    /// Number format.
    pub dtype: NumberType,
    /// Whether all experts get alike.
    pub balanced: bool,
    /// Measured time (s).
    pub seconds: f64,
    /// Predicted time (s).
    pub predicted_seconds: f64,
}

/// Errors of one model shape.
#[derive(Clone, Debug, Serialize)]
pub struct ShapeError {
    /// The shape.
    pub shape: Shape,
    /// Number format; all of them together where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtype: Option<NumberType>,
    /// Balanced rows.
    pub balanced: CellError,
    /// Rows of a power law.
    pub skewed: CellError,
    /// As in [`KernelReport::sign_agreement`], for this shape.
    pub sign_agreement: f64,
}

/// Relative errors |predicted / measured - 1| of a group of rows; 0 where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CellError {
    /// Number of rows.
    pub rows: usize,
    /// Median.
    pub median: f64,
    /// 90th percentile.
    pub p90: f64,
}

impl CellError {
    /// Of a list of relative errors, in any order.
    #[must_use]
    pub fn of(mut errors: Vec<f64>) -> Self {
        errors.sort_by(f64::total_cmp);
        let at = |q: f64| {
            let place = q * errors.len().saturating_sub(1) as f64;
            let (low, part) = (place as usize, place - libm::floor(place));
            let pick = |i: usize| errors.get(i).or(errors.last()).copied().unwrap_or(0.0);
            pick(low) + part * (pick(low + 1) - pick(low))
        };
        Self { rows: errors.len(), median: at(0.5), p90: at(0.9) }
    }
}

/// Compares the profile's kernel times with measured ones.
///
/// The rows are taken as they were measured: all tokens on every GPU, the busiest rank of an expert-parallel group, kernel after
/// kernel for long enough that the power cap acts. Unaligned slices ([`KernelRow::aligned`]) count like all others.
///
/// # Errors
/// A sentence where the profile has no `[kernel]` section or numbers that cannot be.
pub fn check_kernels(profile: &DeviceProfile, table: &KernelTable) -> Result<KernelReport, String> {
    let device = Device::new(profile)?;
    let cells: Vec<Cell<'_>> = table.rows.iter().map(|row| Cell::of(&device, row, &RoutedCounts::of(row))).collect();
    let mut shapes: Vec<(Shape, NumberType)> = table.rows.iter().map(|row| (row.shape, row.dtype)).collect();
    shapes.sort_unstable();
    shapes.dedup();
    let mut models: Vec<Shape> = shapes.iter().map(|(shape, _)| *shape).collect();
    models.dedup();
    let groups = models.iter().flat_map(|model| {
        let types = shapes.iter().filter(move |(shape, _)| shape == model).map(|(shape, dtype)| (*shape, Some(*dtype)));
        types.chain([(*model, None)])
    });
    let shapes = groups
        .map(|(shape, dtype)| {
            let mine = |cell: &&Cell<'_>| cell.row.shape == shape && dtype.is_none_or(|dtype| cell.row.dtype == dtype);
            let mine: Vec<&Cell<'_>> = cells.iter().filter(mine).collect();
            ShapeError {
                shape,
                dtype,
                balanced: errors(&mine, true),
                skewed: errors(&mine, false),
                sign_agreement: signs(&mine).0,
            }
        })
        .collect();
    let all: Vec<&Cell<'_>> = cells.iter().collect();
    let (sign_agreement, sign_cells) = signs(&all);
    let mut notes = table.notes.clone();
    let unaligned = table.rows.iter().filter(|row| !row.aligned()).count();
    if unaligned > 0 {
        notes
            .push(format!("{unaligned} rows have slices that are no multiple of 16: the model does not describe them"));
    }
    Ok(KernelReport {
        shapes,
        balanced: errors(&all, true),
        skewed: errors(&all, false),
        sign_cells,
        sign_agreement,
        notes,
        points: cells.iter().map(Cell::point).collect(),
    })
}

/// A measured row and what the model says.
struct Cell<'a> {
    row: &'a KernelRow,
    predicted: f64,
}

impl<'a> Cell<'a> {
    fn of(device: &Device<'_>, row: &'a KernelRow, routed: &RoutedCounts) -> Self {
        Self { row, predicted: predict(device, row, routed) }
    }

    fn point(&self) -> KernelPoint {
        KernelPoint {
            dtype: self.row.dtype,
            balanced: self.row.distribution == Distribution::Balanced,
            seconds: self.row.seconds,
            predicted_seconds: self.predicted,
        }
    }
}

/// Predicted time of a row (s): the mean over its routings.
pub(super) fn predict(device: &Device<'_>, row: &KernelRow, routed: &RoutedCounts) -> f64 {
    let layer = row.layer();
    let model = device.kernels.of(layer.implementation);
    let each = routed.draws.iter().map(|counts| {
        let work = model.work(&layer, Batch::replicated(counts, row.tokens, row.shape.top_k));
        device.operate(&work).seconds
    });
    each.sum::<f64>() / routed.draws.len().max(1) as f64
}

fn errors(cells: &[&Cell<'_>], balanced: bool) -> CellError {
    let of_kind = cells.iter().filter(|cell| (cell.row.distribution == Distribution::Balanced) == balanced);
    CellError::of(of_kind.map(|cell| (cell.predicted / cell.row.seconds - 1.0).abs()).collect())
}

/// Agreement on whether a skewed routing is slower or faster than the balanced one, where they differ by over 3 %.
fn signs(cells: &[&Cell<'_>]) -> (f64, usize) {
    type Key = (NumberType, Shape, u32, u32, u32);
    let key = |row: &KernelRow| -> Key { (row.dtype, row.shape, row.tensor_parallel, row.expert_parallel, row.tokens) };
    let is_balanced = |cell: &&&Cell<'_>| cell.row.distribution == Distribution::Balanced;
    let mut balanced: Vec<(Key, &Cell<'_>)> =
        cells.iter().filter(is_balanced).map(|cell| (key(cell.row), *cell)).collect();
    balanced.sort_by_key(|(key, _)| *key);
    let (mut agree, mut all) = (0, 0);
    for cell in cells.iter().filter(|cell| !is_balanced(cell)) {
        let Ok(place) = balanced.binary_search_by_key(&key(cell.row), |(key, _)| *key) else { continue };
        let even = balanced[place].1;
        let measured = cell.row.seconds / even.row.seconds - 1.0;
        if measured.abs() > 0.03 {
            all += 1;
            agree += usize::from((measured > 0.0) == (cell.predicted > even.predicted));
        }
    }
    (agree as f64 / all.max(1) as f64, all)
}
