//! `isotherm floorplan` on HotSpot's own files, against what HotSpot and the exact solution say.

use crate::lab::{isotherm, root, text};

fn files(case: &str) -> [String; 3] {
    ["floorplan.flp", "hotspot.config", "power.ptrace"].map(|file| format!("core/tests/hotspot/{case}/{file}"))
}

fn rows(text: &str, separator: char) -> Vec<Vec<f64>> {
    text.lines().skip(1).map(|line| line.split(separator).map(|cell| cell.trim().parse().unwrap()).collect()).collect()
}

#[test]
fn hotspots_files_give_the_exact_temperatures() {
    for case in ["small9", "h100_liquid"] {
        let [floorplan, config, ptrace] = files(case);
        let output = isotherm(root(), &["floorplan", &floorplan, "--config", &config, "--ptrace", &ptrace]);
        let (code, stdout, stderr) = text(&output);
        assert_eq!(code, 0, "{stderr}");
        let exact = std::fs::read_to_string(root().join(format!("core/tests/hotspot/{case}/exact.csv"))).unwrap();
        let (found, expected) = (rows(&stdout, '\t'), rows(&exact, ','));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            // The first column of the reference is the time; six decimals are printed here.
            for (a, b) in found.iter().zip(&expected[1..]) {
                assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
        }
    }
}

#[test]
fn a_grid_agrees_with_blocks_as_far_as_the_models_do() {
    let [floorplan, config, ptrace] = files("h100_air");
    let base = ["floorplan", &floorplan, "--config", &config, "--ptrace", &ptrace, "--steady", "--quiet"];
    let (_, blocks, _) = text(&isotherm(root(), &base));
    let (code, grid, stderr) = text(&isotherm(root(), &[&base[..], &["--grid", "16"]].concat()));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let (blocks, grid) = (rows(&blocks, '\t'), rows(&grid, '\t'));
    let worst = blocks[0].iter().zip(&grid[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    // HotSpot's own grid and block models differ by up to 1.9 K on this package.
    assert!(worst > 0.05 && worst < 4.0, "{worst} K");
}

#[test]
fn faults_of_the_files_name_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let [_, config, ptrace] = files("small9").map(|file| root().join(file).display().to_string());
    std::fs::write(folder.path().join("bad.flp"), "core\t0.01\twide\t0\t0\n").unwrap();
    let output = isotherm(folder.path(), &["floorplan", "bad.flp", "--config", &config, "--ptrace", &ptrace]);
    let (code, stdout, stderr) = text(&output);
    assert_eq!((code, stdout.as_str()), (4, ""));
    assert!(stderr.contains("bad.flp: line 1, column 11: `wide` is not a number"), "{stderr}");
}
