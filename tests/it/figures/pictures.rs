//! Pictures against those that somebody has looked at: `tests/golden/figures/NAME.png`, a pixel a unit.
//!
//! A picture may differ a little, by rounding in other versions of the simulator or of the painter. `ISOTHERM_BLESS=1` writes what is drawn
//! now; look at it before you commit it.

use isotherm_report::draw::{Style, png_at, svg};
use isotherm_report::figure::{FIGURES, NoFigure, build};
use isotherm_report::palette::Theme;
use isotherm_report::results::Results;

use super::{Folder, figure};

/// Share of the pixels that may differ by more than [`LEVELS`] of 255 in a channel.
const PIXELS: f64 = 0.004;
const LEVELS: u8 = 48;

/// Compares with the golden picture of this name.
fn compare(name: &str, drawn: &[u8]) {
    let path = crate::lab::root().join("tests/golden/figures").join(format!("{name}.png"));
    if std::env::var_os("ISOTHERM_BLESS").is_some() {
        std::fs::write(&path, drawn).unwrap();
    }
    let golden = std::fs::read(&path).unwrap_or_else(|_| panic!("no {}; ISOTHERM_BLESS=1 writes it", path.display()));
    let [(size, pixels), (golden_size, golden_pixels)] = [drawn, &golden].map(decoded);
    assert_eq!(size, golden_size, "{name} has another size; ISOTHERM_BLESS=1 takes it as it is");
    let pairs = pixels.chunks(4).zip(golden_pixels.chunks(4));
    let differs = |(a, b): &(&[u8], &[u8])| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > LEVELS);
    let share = pairs.filter(differs).count() as f64 / (pixels.len() / 4) as f64;
    assert!(share <= PIXELS, "{:.2} % of {name} has changed; ISOTHERM_BLESS=1 takes it as it is", 100.0 * share);
}

fn decoded(bytes: &[u8]) -> ((u32, u32), Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    pixels.truncate(frame.buffer_size());
    ((frame.width, frame.height), pixels)
}

fn compare_all(results: &Results, names: &[&str], theme: Theme, suffix: &str) {
    for name in names {
        let drawn = png_at(&figure(name, results), &Style { theme, width: None }, 1.0).unwrap();
        compare(&format!("{name}{suffix}"), &drawn);
    }
}

#[test]
fn sweeps_look_as_they_did() {
    let results = Folder::classic();
    let results = results.results();
    let names = ["pareto", "sweep", "cold-vs-hot", "energy-vs-imbalance", "usage-over-time", "diversity"];
    compare_all(&results, &names, Theme::Light, "");
    compare_all(&results, &["pareto", "usage-over-time"], Theme::Dark, "-dark");
}

#[test]
fn changes_look_as_they_did() {
    let folder = Folder::drift();
    compare_all(&folder.results(), &["drift-recovery", "temperature-vs-usage", "latency"], Theme::Light, "");
    compare_all(&folder.results(), &["drift-recovery"], Theme::Dark, "-dark");
}

#[test]
fn gpus_look_as_they_did() {
    let folder = Folder::device();
    compare_all(&folder.results(), &["temperature", "power", "clock"], Theme::Light, "");
}

#[test]
fn the_same_folder_gives_the_same_bytes() {
    let folder = Folder::drift();
    let style = Style::default();
    for listed in FIGURES {
        let twice = [(); 2].map(|()| match build(listed.name, &folder.results()) {
            Ok(figure) => Some((svg(&figure, &style), png_at(&figure, &style, 1.0).unwrap())),
            Err(NoFigure::DoesNotApply { .. }) => None,
            Err(error) => panic!("{error}"),
        });
        assert_eq!(twice[0], twice[1], "{}", listed.name);
    }
}

#[test]
fn drawings_for_a_page_have_no_colours_of_one_theme_and_no_ids() {
    let folder = Folder::classic();
    let drawn = svg(&figure("pareto", &folder.results()), &Style { theme: Theme::Css, width: Some(640.0) });
    assert!(drawn.contains("var(--ink-router-0)") && drawn.contains("viewBox=\"0 0 640 "), "{drawn}");
    assert!(!drawn.contains(" id=") && !drawn.contains("style=") && !drawn.contains("#"), "{drawn}");
    assert!(drawn.contains("<title>"), "marks say their values");
}
