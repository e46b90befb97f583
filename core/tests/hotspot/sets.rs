//! Finding and reading the reference sets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use isotherm_core::thermal::{Modes, RcNetwork};

/// The folder with the sets.
fn root() -> PathBuf {
    match std::env::var_os("ISOTHERM_HOTSPOT") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hotspot"),
    }
}

fn folders() -> Vec<(String, PathBuf)> {
    let root = root();
    let entries = std::fs::read_dir(&root).unwrap_or_else(|error| panic!("{}: {error}", root.display()));
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    found.sort();
    found
}

/// A network that HotSpot built.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) network: RcNetwork,
    pub(crate) modes: Modes,
    pub(crate) blocks: BTreeMap<String, usize>,
    config: BTreeMap<String, String>,
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let is_case = |folder: &Path| {
        ["floorplan.flp", "hotspot.config", "rc_G.csv", "rc_C.csv"].iter().all(|file| folder.join(file).exists())
    };
    let cases: Vec<Case> =
        folders().into_iter().filter(|(_, f)| is_case(f)).map(|(name, f)| Case::read(name, f)).collect();
    assert!(!cases.is_empty(), "{}: no case", root().display());
    cases
}

/// The derived sets whose name starts with `kind` and an underscore, with the case the rest of the name names.
pub(crate) fn derived(kind: &str) -> Vec<(PathBuf, Case)> {
    let mut found = Vec::new();
    for (name, folder) in folders() {
        let Some(base) = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('_')) else { continue };
        found.push((folder, Case::read(base.to_owned(), root().join(base))));
    }
    if found.is_empty() {
        println!("skipped: no {kind}_* set in {}", root().display());
    }
    found
}

impl Case {
    /// Kelvin as the files have them: the solver does not mind which scale.
    fn read(name: String, folder: PathBuf) -> Self {
        let nodes = &rows(&folder.join("rc_C.csv"))[1..];
        let n = nodes.len();
        let mut conductance = vec![0.0; n * n];
        for row in &rows(&folder.join("rc_G.csv"))[1..] {
            let (i, j, g) = (row[0].parse::<usize>().unwrap(), row[1].parse::<usize>().unwrap(), number(&row[2]));
            conductance[i * n + j] = g;
            conductance[j * n + i] = g;
        }
        let column = |at: usize| nodes.iter().map(|row| number(&row[at])).collect::<Vec<_>>();
        let network = RcNetwork::from_matrices(column(2), conductance, column(3)).unwrap();
        assert_eq!(network.check_definite(), Ok(()), "{name}");
        let blocks = nodes.iter().enumerate().map(|(index, row)| (row[1].clone(), index)).collect();
        let config = std::fs::read_to_string(folder.join("hotspot.config")).unwrap();
        let config = config
            .lines()
            .filter_map(|line| line.trim().strip_prefix('-')?.split_once(char::is_whitespace))
            .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
            .collect();
        Self { modes: Modes::of(&network), name, folder, network, blocks, config }
    }

    /// A number of `hotspot.config`.
    pub(crate) fn config(&self, key: &str) -> f64 {
        number(self.config.get(key).unwrap_or_else(|| panic!("{}: no -{key}", self.name)))
    }

    /// The rows of a file of the case; nothing where it has none.
    pub(crate) fn file(&self, file: &str) -> Option<Vec<Vec<String>>> {
        let path = self.folder.join(file);
        if path.exists() {
            return Some(rows(&path));
        }
        println!("{}: skipped, no {file}", self.name);
        None
    }

    pub(crate) fn block(&self, name: &str) -> usize {
        *self.blocks.get(name).unwrap_or_else(|| panic!("{}: no block `{name}`", self.name))
    }

    /// The state before the first event: `init_temp` everywhere.
    pub(crate) fn start(&self) -> Vec<f64> {
        self.modes.state(&vec![self.config("init_temp"); self.modes.nodes()])
    }

    /// Powers of a row under a header of block names, one per node.
    pub(crate) fn power(&self, header: &[String], row: &[String]) -> Vec<f64> {
        let mut power = vec![0.0; self.modes.nodes()];
        for (name, watts) in header.iter().zip(row) {
            power[self.block(name)] = number(watts);
        }
        power
    }
}

/// Cells of a file, separated by commas or white space.
pub(crate) fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cells = |line: &str| -> Vec<String> {
        if line.contains(',') {
            line.split(',').map(|cell| cell.trim().to_owned()).collect()
        } else {
            line.split_whitespace().map(str::to_owned).collect()
        }
    };
    text.lines().filter(|line| !line.trim().is_empty()).map(cells).collect()
}

/// `key = value` lines.
pub(crate) fn params(folder: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(folder.join("params.txt")).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

/// Prints a difference in the line that `docs/validation/generate.py` reads, and asserts its bound.
pub(crate) fn measured(name: &str, value: f64, unit: &str, bound: f64) {
    println!("measured: {name} {value:.2e} {unit} bound {bound:.0e}");
    assert!(value <= bound, "{name}: {value} {unit} above {bound}");
}

/// Prints how much was compared, for the same reader.
pub(crate) fn counted(name: &str, count: usize) {
    println!("measured: {name} {count} count");
}

pub(crate) fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}
