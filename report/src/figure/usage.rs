//! Use of every expert, batch by batch: a field of experts over batches for each router.

use super::choice::{Chosen, chosen, each_batch, note};
use super::{Axis, Figure, Heat, NoFigure, Panel, Rule, words};
use crate::palette::Ink;
use crate::results::{Column, Results, Wanted};

const NAME: &str = "usage-over-time";
/// Rows of a field at most: more experts are put together.
const ROWS: usize = 32;

/// Assignments per row and column, summed over seeds; columns grow as the run does.
struct Field {
    width: i64,
    /// Column by column, the assignments of each row.
    columns: Vec<Vec<f64>>,
    most: usize,
    /// The last batch that was seen.
    last: i64,
}

impl Field {
    fn add(&mut self, batch: i64, rows: usize, usage: &[f64], row: impl Fn(usize) -> usize) {
        while batch / self.width >= self.most as i64 {
            self.columns = self.columns.chunks(2).map(sum).collect();
            self.width *= 2;
        }
        let column = usize::try_from(batch / self.width).unwrap_or(0);
        if column >= self.columns.len() {
            self.columns.resize(column + 1, vec![0.0; rows]);
        }
        self.last = self.last.max(batch);
        for (expert, assignments) in usage.iter().enumerate().filter(|(_, assignments)| assignments.is_finite()) {
            if let Some(sum) = self.columns[column].get_mut(row(expert)) {
                *sum += assignments;
            }
        }
    }
}

fn sum(pair: &[Vec<f64>]) -> Vec<f64> {
    let [a, b] = pair else { return pair.first().cloned().unwrap_or_default() };
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

pub(super) fn build(results: &Results) -> Result<Figure, NoFigure> {
    let all = chosen(results);
    if all.is_empty() || !results.has(Column::Usage) {
        return Err(NoFigure::because(NAME, "the folder has no series.parquet with the use of experts (`usage`)"));
    }
    let experts = experts(results, &all)?;
    let group = experts.div_ceil(ROWS).max(1);
    let rows = experts.div_ceil(group);
    let most = if all.len() > 4 { 48 } else { 100 };
    let field = || Field { width: 1, columns: Vec::new(), most, last: 0 };
    let mut fields: Vec<Field> = all.iter().map(|_| field()).collect();
    each_batch(results, &all, &[Column::Batch, Column::Usage], |place, _, row| {
        let Some(batch) = row.whole(Column::Batch).filter(|batch| *batch >= 0) else { return };
        // Layer after layer: the same expert of all layers is one row.
        fields[place].add(batch, rows, row.list(Column::Usage), |expert| expert % experts / group);
    })?;
    let mut figure = Figure {
        name: NAME,
        title: "Which experts does each router use, and when?".into(),
        subtitle: words::about(results, "all seeds together"),
        columns: super::beside(all.len()),
        ..Figure::default()
    };
    let hot = Hot::of(results);
    for (chosen, field) in all.iter().zip(fields) {
        figure.panels.push(panel(results, chosen, &field, experts, group, &hot));
    }
    figure.legend = figure.keys();
    figure.notes.push(format!("Equal use of all experts would be {} %.", crate::draw::number(100.0 / experts as f64)));
    if group > 1 {
        figure.notes.push(format!("A row is the mean of {group} neighbouring experts."));
    }
    figure.notes.extend(note(results, &all));
    Ok(figure)
}

/// Number of experts of a layer: what the scenario says, else the length of the first list.
fn experts(results: &Results, all: &[Chosen]) -> Result<usize, NoFigure> {
    let written = results.scenario.as_ref().and_then(|scenario| scenario.get(&["model", "experts"])?.as_integer());
    if let Some(experts) = written.and_then(|experts| usize::try_from(experts).ok()).filter(|experts| *experts > 0) {
        return Ok(experts);
    }
    let mut longest = 0;
    let first = super::choice::first_runs(all);
    results.each_batch(&Wanted::of_runs(&[Column::Usage], &first[..1.min(first.len())]), |_, row| {
        longest = longest.max(row.list(Column::Usage).len());
    })?;
    if longest == 0 {
        return Err(NoFigure::because(NAME, "the series have no use of experts (`usage` is empty)"));
    }
    Ok(longest)
}

/// The experts that the scenario marks as hot: at first, and after each of its changes.
struct Hot(Vec<Vec<i64>>);

impl Hot {
    fn of(results: &Results) -> Self {
        let get = |path: &[&str]| results.scenario.as_ref().and_then(|scenario| scenario.get(path)?.as_array());
        let experts = |list: &Vec<toml::Value>| list.iter().filter_map(toml::Value::as_integer).collect();
        let first = get(&["costs", "hot"]).map(experts).unwrap_or_default();
        let later = get(&["change"]).into_iter().flatten().filter_map(|change| change.get("hot")?.as_array());
        Self(std::iter::once(first).chain(later.map(experts)).collect())
    }

    /// What is said of a range of experts; nothing where none of them is ever hot.
    fn said(&self, range: std::ops::RangeInclusive<i64>) -> &'static str {
        let is_hot: Vec<bool> = self.0.iter().map(|hot| hot.iter().any(|expert| range.contains(expert))).collect();
        let turns = is_hot.windows(2).filter(|pair| pair[0] != pair[1]).count();
        match (turns, is_hot.first()) {
            (0, Some(true)) => " hot",
            (0, _) => "",
            (1, Some(true)) => " hot at first",
            (1, _) => " hot later",
            _ => " hot at times",
        }
    }
}

fn panel(results: &Results, chosen: &Chosen, field: &Field, experts: usize, group: usize, hot: &Hot) -> Panel {
    let name = |row: usize| {
        let (first, last) = (row * group, ((row + 1) * group).min(experts) - 1);
        let range = if first == last { first.to_string() } else { format!("{first}–{last}") };
        range + hot.said(first as i64..=last as i64)
    };
    let rows = experts.div_ceil(group);
    let share = |row: usize, column: &Vec<f64>| {
        let total: f64 = column.iter().sum();
        let of_row = ((row + 1) * group).min(experts) - row * group;
        (total > 0.0).then(|| 100.0 * column[row] / total / of_row as f64)
    };
    let cells = (0..rows).map(|row| field.columns.iter().map(|column| share(row, column)).collect()).collect();
    // The last column ends where the run does.
    let edge = |column: usize| (column as i64 * field.width).min(field.last + 1) as f64;
    Panel {
        title: chosen.router.clone(),
        ink: Some(chosen.ink),
        x: Axis::linear("batch"),
        y: Axis::names("expert", (0..rows).map(name).collect()),
        rules: changes(results),
        heat: Some(Heat {
            label: "share of assignments (%)".into(),
            edges: (0..=field.columns.len()).map(edge).collect(),
            rows: cells,
            halves: Vec::new(),
            numbers: false,
        }),
        ..Panel::default()
    }
}

/// The batches at which the scenario changes something.
pub(super) fn changes(results: &Results) -> Vec<Rule> {
    let changes = results.scenario.as_ref().and_then(|scenario| scenario.get(&["change"])?.as_array());
    let batch = |change: &toml::Value| change.get("at_batch")?.as_integer();
    changes.into_iter().flatten().filter_map(batch).map(|batch| change(batch as f64)).collect()
}

/// A line where the scenario changes something.
pub(super) fn change(at: f64) -> Rule {
    Rule { name: "the scenario changes".into(), ink: Ink::Hot, upright: true, at, dash: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_ends_what_was_hot() {
        let hot = Hot(vec![vec![6, 7], vec![0, 6], vec![6]]);
        let said: Vec<&str> = [0, 1, 6, 7].into_iter().map(|expert| hot.said(expert..=expert)).collect();
        assert_eq!(said, [" hot at times", "", " hot", " hot at first"]);
        assert_eq!(Hot(vec![vec![], vec![2]]).said(0..=3), " hot later");
    }
}
