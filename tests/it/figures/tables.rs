//! Tables of a results folder as the Parquet library reads them, apart from the reader that figures use.

use std::collections::BTreeMap;
use std::fs::File;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::Folder;

/// A row by column.
pub(super) struct Row(BTreeMap<String, Field>);

impl Row {
    pub(super) fn text(&self, column: &str) -> &str {
        match &self.0[column] {
            Field::Str(text) => text,
            other => panic!("{column} is {other:?}"),
        }
    }

    pub(super) fn number(&self, column: &str) -> f64 {
        number(&self.0[column])
    }

    pub(super) fn list(&self, column: &str) -> Vec<f64> {
        match &self.0[column] {
            Field::ListInternal(list) => list.elements().iter().map(number).collect(),
            other => panic!("{column} is {other:?}"),
        }
    }
}

fn number(field: &Field) -> f64 {
    match field {
        Field::Double(number) => *number,
        Field::Float(number) => f64::from(*number),
        Field::Long(number) => *number as f64,
        Field::Int(number) => f64::from(*number),
        other => panic!("{other:?} is no number"),
    }
}

/// All rows of a table.
pub(super) fn rows(folder: &Folder, table: &str) -> Vec<Row> {
    let reader = SerializedFileReader::new(File::open(folder.path().join(table)).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    rows.map(|row| Row(row.unwrap().into_columns().into_iter().collect())).collect()
}

/// Ids of the runs of a router at a point, seed by seed.
pub(super) fn runs(folder: &Folder, router: &str, point: &str) -> Vec<String> {
    let all = rows(folder, "runs.parquet");
    let wanted = all.iter().filter(|row| row.text("router") == router && row.text("point") == point);
    wanted.map(|row| row.text("run_id").to_owned()).collect()
}

/// Mean, and half the 95 % interval by Student's t for 2 or 3 values.
pub(super) fn interval(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let quantile = match values.len() {
        2 => 12.706_204_736_174_698,
        3 => 4.302_652_729_911_275,
        other => panic!("no quantile for {other} values"),
    };
    (mean, quantile * (variance / count).sqrt())
}
