//! The reports as tables for people.

use std::fmt::{Display, Formatter, Result};

use super::{CellError, KernelFit, KernelReport, LayerFit, PhaseReport};

impl Display for KernelReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let percent = |e: &CellError| match e.rows {
            0 => format!("{:>16}", "-"),
            _ => format!("{:6.1} / {:5.1} %", 100.0 * e.median, 100.0 * e.p90),
        };
        writeln!(f, "kernel times, |predicted / measured - 1|, median / 90th percentile")?;
        writeln!(
            f,
            "{:<24} {:<10} {:>6} {:>16} {:>16} {:>6}",
            "d_model d_ff k experts", "type", "rows", "balanced", "skewed", "sign"
        )?;
        for line in &self.shapes {
            let s = line.shape;
            let shape = format!("{} {} {} {}", s.d_model, s.d_ff, s.top_k, s.experts);
            let dtype = line
                .dtype
                .map_or_else(|| "all".to_owned(), |d| format!("{d:?}").to_lowercase().replace("8block", "8-block"));
            let rows = line.balanced.rows + line.skewed.rows;
            let (even, skewed, sign) = (percent(&line.balanced), percent(&line.skewed), 100.0 * line.sign_agreement);
            writeln!(f, "{shape:<24} {dtype:<10} {rows:>6} {even:>16} {skewed:>16} {sign:>4.0} %")?;
        }
        let (even, skewed, sign) = (percent(&self.balanced), percent(&self.skewed), 100.0 * self.sign_agreement);
        let rows = self.balanced.rows + self.skewed.rows;
        writeln!(f, "{:<24} {:<10} {rows:>6} {even:>16} {skewed:>16} {sign:>4.0} %", "all", "")?;
        writeln!(f, "sign of skewed against balanced over {} cells that differ by more than 3 %", self.sign_cells)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

impl Display for PhaseReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let list = |values: &[f64]| values.iter().map(|w| format!("{w:.0}")).collect::<Vec<_>>().join(" + ");
        writeln!(f, "layers, predicted against measured")?;
        writeln!(
            f,
            "{:<42} {:>10} {:>7} {:>10} {:>7}  {:<12} {:<12} MHz predicted",
            "layer", "ms", "error", "mJ", "error", "W", "W predicted"
        )?;
        for l in &self.layers {
            writeln!(
                f,
                "{:<42} {:>10.3} {:>+5.1} % {:>10.1} {:>+5.1} %  {:<12} {:<12} {}",
                l.name,
                1e3 * l.seconds,
                100.0 * l.time_error,
                1e3 * l.joules,
                100.0 * l.energy_error,
                list(&l.watts),
                list(&l.predicted_watts),
                list(&l.predicted_mhz)
            )?;
        }
        writeln!(f, "largest error: time {:.1} %, energy {:.1} %", 100.0 * self.worst_time, 100.0 * self.worst_energy)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

impl Display for KernelFit {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "fitted to {} rows", self.rows)?;
        numbers(f, &self.numbers)
    }
}

impl Display for LayerFit {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "fitted to {} layers", self.layers)?;
        numbers(f, &self.numbers)
    }
}

fn numbers(f: &mut Formatter<'_>, numbers: &[(String, f64, f64)]) -> Result {
    for (key, value, error) in numbers {
        let known = if error.is_finite() { format!("+- {:.1} %", 100.0 * error) } else { "not determined".to_owned() };
        writeln!(f, "{key:<44} {value:>12.5e}  {known}")?;
    }
    Ok(())
}
