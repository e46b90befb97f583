//! `counts.toml`: what was counted when somebody last looked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// Largest change that is passed over (%). The same program gives the same count to 0.1 %; a change elsewhere in the same crate has moved what
/// the compiler inlines, and with it the shortest loops, by 8 %.
const TOLERANCE_PERCENT: f64 = 10.0;
/// How counts are renewed.
pub(crate) const RENEW: &str = "cargo bench --profile gate --bench counts -- --renew";

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    /// The compiler that the counts are of.
    pub(crate) rustc: String,
    /// Largest change that is passed over (%), in either direction.
    pub(crate) tolerance_percent: f64,
    instructions: BTreeMap<String, u64>,
}

/// What a count is beside the kept one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Same,
    Slower,
    Faster,
    New,
}

pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/counts.toml")
}

impl Kept {
    pub(crate) fn read() -> Result<Self, String> {
        let path = path();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(crate) fn write(counted: &[(&str, u64)]) -> Result<(), String> {
        let mut text = format!(
            "# Instructions of the cases of benches/counts.rs, counted by callgrind. Renewed by\n#   {RENEW}\nrustc = \"{}\"\ntolerance_percent = {TOLERANCE_PERCENT:?}\n\n[instructions]\n",
            rustc()?
        );
        for (name, count) in counted {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{name:?} = {count}");
        }
        std::fs::write(path(), text).map_err(|error| format!("{}: {error}", path().display()))
    }

    pub(crate) fn judge(&self, name: &str, count: u64) -> Verdict {
        match self.change_percent(name, count) {
            None => Verdict::New,
            Some(change) if change > self.tolerance_percent => Verdict::Slower,
            Some(change) if change < -self.tolerance_percent => Verdict::Faster,
            Some(_) => Verdict::Same,
        }
    }

    fn change_percent(&self, name: &str, count: u64) -> Option<f64> {
        let kept = *self.instructions.get(name)?;
        Some(100.0 * (count as f64 / kept as f64 - 1.0))
    }

    /// A line of the table.
    pub(crate) fn line(&self, name: &str, count: u64, verdict: Verdict) -> String {
        let kept = self.instructions.get(name).map_or("-".to_owned(), u64::to_string);
        let change = self.change_percent(name, count).map_or("new".to_owned(), |change| format!("{change:+.2} %"));
        let word = match verdict {
            Verdict::Same | Verdict::New => "",
            Verdict::Slower => "  SLOWER",
            Verdict::Faster => "  faster",
        };
        format!("{name:<28} {kept:>15} {count:>15} {change:>9}{word}")
    }

    /// Names that are kept and are none of `cases`.
    pub(crate) fn unknown(&self, cases: impl Iterator<Item = &'static str> + Clone) -> Vec<&str> {
        self.instructions.keys().map(String::as_str).filter(|name| !cases.clone().any(|case| case == *name)).collect()
    }

    /// This compiler, if it is another one than the counts are of.
    pub(crate) fn other_compiler(&self) -> Result<Option<String>, String> {
        let here = rustc()?;
        Ok((here != self.rustc).then_some(here))
    }
}

/// The compiler's version, as `rustc --version` says it in its second word.
fn rustc() -> Result<String, String> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("--version").output().map_err(|error| format!("no rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.split(' ').nth(1).map(str::to_owned).ok_or_else(|| format!("rustc --version says `{text}`"))
}
