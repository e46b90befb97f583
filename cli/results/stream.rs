//! Which token stream a run met: runs with the same id can be compared token by token.

use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::scenario_file::{ScenarioFile, hex};

/// The sections of a scenario that decide tokens and arrivals, beside the seed.
pub(crate) const SECTIONS: [&str; 4] = ["model", "workload", "arrivals", "tier"];

/// The ids of the streams of one world.
#[derive(Debug)]
pub(crate) struct Streams {
    description: String,
}

impl Streams {
    /// Of a world of the plan. Data files count by their contents, not by where they lie; hardware, costs, telemetry and
    /// routers do not count: they meet the stream and do not make it. The version of isotherm does, because it may draw otherwise.
    ///
    /// # Errors
    /// [`Fault::Internal`] if a section cannot be written as TOML.
    pub(crate) fn of(file: &ScenarioFile, world: usize) -> Result<Self, Fault> {
        let scenario = &file.plan.worlds[world].scenario;
        let table = toml::Table::try_from(scenario).map_err(|error| Fault::Internal(error.to_string()))?;
        let mut wanted: toml::Table = table.into_iter().filter(|(key, _)| SECTIONS.contains(&key.as_str())).collect();
        wanted.iter_mut().for_each(|(_, value)| contents_for_paths(value, file));
        Ok(Self { description: format!("isotherm {} stream\n{wanted}", env!("CARGO_PKG_VERSION")) })
    }

    /// The id of one seed: 16 hexadecimal digits.
    pub(crate) fn id(&self, seed: u64) -> String {
        let mut hash = Sha256::new();
        hash.update(self.description.as_bytes());
        hash.update(seed.to_le_bytes());
        hex(&hash.finalize()[..8])
    }
}

fn contents_for_paths(value: &mut toml::Value, file: &ScenarioFile) {
    match value {
        toml::Value::String(text) => {
            if let Some(data) = file.data_files.iter().find(|data| data.path == *text) {
                *text = format!("sha256 {}", data.sha256);
            }
        }
        toml::Value::Array(items) => items.iter_mut().for_each(|item| contents_for_paths(item, file)),
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, value)| contents_for_paths(value, file)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SCENARIO: &str = "
schema_version = 1
name = \"tiny\"
model = { experts = 4, top_k = 1 }
workload = { kind = \"gaussian\", sigma = 1.0 }
arrivals = { kind = \"trace\", file = \"FILE\" }
costs = { kind = \"table\", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }
hardware = { gpus = 4 }
telemetry = { kind = \"fixed\", temperatures = [\"0 degC\", \"0 degC\", \"0 degC\", \"70 degC\"] }
router = [{ kind = \"baseline\" }]
";

    fn id(folder: &Path, replace: (&str, &str)) -> String {
        let text = SCENARIO.replace(replace.0, replace.1);
        let file = ScenarioFile::from_text("tiny.toml", &text, folder, &[]).unwrap();
        Streams::of(&file, 0).unwrap().id(7)
    }

    #[test]
    fn what_makes_the_tokens_counts_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for (name, contents) in [("one.csv", "1"), ("same.csv", "1"), ("other.csv", "2")] {
            std::fs::write(folder.path().join(name), contents).unwrap();
        }
        let reference = id(folder.path(), ("FILE", "one.csv"));
        assert_eq!(reference.len(), 16);
        let base = |from: &str, to: &str| {
            let text = SCENARIO.replace("FILE", "one.csv");
            assert!(text.contains(from));
            let file = ScenarioFile::from_text("tiny.toml", &text.replace(from, to), folder.path(), &[]).unwrap();
            Streams::of(&file, 0).unwrap().id(7)
        };
        assert_eq!(id(folder.path(), ("FILE", "same.csv")), reference, "contents count, not names");
        assert_ne!(id(folder.path(), ("FILE", "other.csv")), reference);
        assert_ne!(base("sigma = 1.0", "sigma = 1.5"), reference);
        assert_ne!(base("top_k = 1", "top_k = 2"), reference);
        assert_ne!(base("costs =", "tier = { kind = \"counts\" }\ncosts ="), reference, "drawn, not the same tokens");
        assert_eq!(base("costs =", "tier = { kind = \"token\" }\ncosts ="), reference);
        for (from, to) in [
            ("hot_joules = 2.0", "hot_joules = 3.0"),
            ("70 degC", "80 degC"),
            ("\"tiny\"", "\"other\""),
            ("\"baseline\"", "\"energy-penalty\", lambda = 0.5"),
        ] {
            assert_eq!(base(from, to), reference, "{from}");
        }
        let file = ScenarioFile::from_text("t", &SCENARIO.replace("FILE", "one.csv"), folder.path(), &[]).unwrap();
        let streams = Streams::of(&file, 0).unwrap();
        assert_ne!(streams.id(7), streams.id(8));
    }
}
