//! The tables open in DuckDB, pandas and Polars as docs/RESULTS.md says.

use std::process::Command;

use crate::lab::{announce, isotherm, root, text};

/// Pieces of Python in the documentation.
fn snippets() -> Vec<String> {
    let page = std::fs::read_to_string(root().join("docs/RESULTS.md")).unwrap();
    let pieces = page.split("```python\n").skip(1);
    pieces.map(|piece| piece.split("```").next().unwrap().to_owned()).collect()
}

/// What this piece of Python prints; `None`, with the reason shown, where Python or a package is missing.
fn python(code: &str, folder: &std::path::Path) -> Option<String> {
    let script = "import sys\ntry:\n    import pyarrow, pandas, polars, duckdb\nexcept ImportError as missing:\n    print(missing)\n    sys.exit(77)\n";
    let output = match Command::new("python3").args(["-c", &format!("{script}{code}")]).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => {
            announce(&format!("skipped: python3 cannot be started: {error}"));
            return None;
        }
    };
    let (code, out, err) = text(&output);
    if code == 77 {
        announce(&format!("skipped: {}; pip install duckdb pandas polars pyarrow", out.trim()));
        return None;
    }
    assert_eq!(code, 0, "{out}{err}");
    Some(out)
}

#[test]
fn the_examples_of_the_page_print_what_the_tables_hold() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = root().join("scenarios/classic.toml").display().to_string();
    let small = ["--set", "seeds=2", "--set", "arrivals.batches=3", "--set", "arrivals.batch_size=2", "--quiet"];
    let (code, _, err) = text(&isotherm(folder.path(), &[&["run", &scenario][..], &small].concat()));
    assert_eq!(code, 0, "{err}");
    let snippets = snippets();
    for package in ["duckdb", "pandas", "polars"] {
        assert!(snippets.iter().any(|code| code.contains(&format!("import {package}"))), "no example with {package}");
    }
    for code in &snippets {
        let Some(out) = python(code, folder.path()) else { return };
        assert!(out.contains("energy-penalty"), "{code}\n{out}");
    }
    // All three read the same rows and the same provenance.
    let check = "
runs = pandas.read_parquet('results/classic/runs.parquet')
assert len(runs) == 22 and polars.read_parquet('results/classic/runs.parquet').height == 22
assert duckdb.sql(\"SELECT count(*) FROM 'results/classic/series.parquet'\").fetchall() == [(66,)]
assert polars.read_parquet('results/classic/series.parquet')['usage'].list.len().unique().to_list() == [8]
import json
summary = json.load(open('results/classic/summary.json'))
for table in ['runs', 'series', 'frontier']:
    told = pyarrow.parquet.read_metadata(f'results/classic/{table}.parquet').metadata
    assert told[b'isotherm.scenario_hash'].decode() == summary['scenario_hash'], told
    assert told[b'isotherm.version'].decode() == summary['isotherm'], told
print('equal')
";
    let out = python(&format!("import pyarrow.parquet\n{check}"), folder.path());
    assert!(out.is_none_or(|out| out.contains("equal")));
}
