//! The dashboard, to the letter: what is drawn into a terminal of this size.

use isotherm::telemetry::dashboard::{Board, Palette, draw};
use isotherm_recording::{DeviceFacts, Entry, Missing, Reading, Signal, Standing};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use crate::lab::root;

const SECOND: i64 = 1_000_000_000;
/// 26 November 2026, 17:05:00 UTC.
const BEGAN: i64 = 1_795_712_700 * SECOND;

fn facts(index: u32) -> DeviceFacts {
    DeviceFacts {
        index,
        name: "NVIDIA H200".to_owned(),
        power_limit_w: Some(700.0),
        slowdown_degc: Some(89.0),
        shutdown_degc: Some(95.0),
        max_operating_degc: Some(87.0),
        memory_max_degc: Some(95.0),
        max_sm_mhz: Some(1980.0),
        ..DeviceFacts::default()
    }
}

/// A reading of a GPU at work, which warms up for a minute and then stands at its power cap; every third GPU is too hot.
fn reading(index: u32, second: i64) -> Reading {
    let now = BEGAN + second * SECOND;
    let mut reading = Reading { device: index, begun: now, ended: now, ..Reading::default() };
    let share = (second.min(60) as f64 / 60.0) * (1.0 - 0.04 * f64::from(index));
    let hot = index % 3 == 2 && second > 60;
    let values = [
        (Signal::PowerInstant, 125_000.0 + 565_000.0 * share),
        (Signal::Temperature, if hot { 88.0 } else { 40.0 + 24.0 * share }),
        (Signal::MemoryTemperature, 38.0 + 20.0 * share),
        (Signal::SmClock, if hot { 1200.0 } else { 1980.0 - 450.0 * share }),
        (Signal::Utilisation, 100.0 * share),
        (Signal::Reasons, if hot { f64::from(0x24) } else { 4.0 }),
        (Signal::PowerLimit, 700_000.0),
    ];
    for (signal, value) in values {
        reading.set(signal, Entry::Value { value: value as i64, changed: now });
    }
    if index % 2 == 1 {
        reading.set(Signal::MemoryTemperature, Entry::Missing(Missing::NoPermission));
    }
    reading
}

/// So many GPUs after 100 s; the second one of several was lost 12 s before.
fn board(gpus: u32) -> Board {
    let devices: Vec<DeviceFacts> = (0..gpus).map(facts).collect();
    let mut board = Board::new("nvml".to_owned(), &devices);
    for second in 0..=100 {
        let mut readings: Vec<Reading> = (0..gpus).map(|index| reading(index, second)).collect();
        if gpus > 1 && second > 88 {
            readings[1] = Reading { standing: Standing::Lost, ..readings[1].clone() };
        }
        board.take(&readings);
    }
    board.at(BEGAN + 100 * SECOND + SECOND / 5);
    board
}

fn drawn(board: &Board, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(board, Palette::new(true), frame.area(), frame.buffer_mut())).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
    (0..height).map(row).collect()
}

/// Compares with `tests/golden/dashboard/NAME.txt`; `ISOTHERM_BLESS=1` writes what was drawn.
fn compare(name: &str, board: &Board, width: u16, height: u16) {
    let drawn = drawn(board, width, height);
    let file = root().join("tests/golden/dashboard").join(format!("{name}.txt"));
    if std::env::var_os("ISOTHERM_BLESS").is_some() {
        std::fs::write(&file, &drawn).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap();
    assert!(drawn == golden, "{name} has changed; ISOTHERM_BLESS=1 takes it as it is:\n{drawn}");
}

#[test]
fn frames_are_as_they_were() {
    compare("two-80x24", &board(2), 80, 24);
    compare("two-120x40", &board(2), 120, 40);
    compare("eight-120x40", &board(8), 120, 40);
    compare("eight-80x24", &board(8), 80, 24);
    compare("two-20x5", &board(2), 20, 5);
}

#[test]
fn what_an_operator_must_see_is_in_words() {
    let large = drawn(&board(3), 80, 40);
    for words in
        ["LOST for 1", "SwPowerCap, SwThermalSlowdown", "no permission", "88 degC", "0.2 s old", "hottest 88 degC"]
    {
        assert!(large.contains(words), "{words} in\n{large}");
    }
    let mut silent = board(2);
    silent.fail("nvml: the driver does not answer".to_owned());
    assert!(drawn(&silent, 80, 24).contains("the driver does not answer"));
}

#[test]
fn what_does_not_fit_can_be_scrolled_to() {
    let mut board = board(64);
    let first = drawn(&board, 80, 24);
    assert!(first.contains("GPUs 1 to 21 of 64") && !first.contains("\n 63 "), "{first}");
    board.scrolled = usize::MAX;
    let last = drawn(&board, 80, 24);
    assert!(last.contains("GPUs 44 to 64 of 64") && last.contains("\n 63 "), "{last}");
}

#[test]
fn every_size_can_be_drawn() {
    for gpus in [0, 1, 2, 9] {
        let board = board(gpus);
        for (width, height) in [(1, 1), (2, 3), (7, 2), (20, 5), (55, 9), (56, 11), (57, 200), (300, 3), (300, 100)] {
            drawn(&board, width, height);
        }
    }
    // Nothing has been read yet.
    drawn(&Board::new("nvml".to_owned(), &[facts(0), DeviceFacts::default()]), 80, 24);
}

#[test]
fn without_colours_nothing_is_lost() {
    let board = board(3);
    let text = |palette: Palette| {
        let area = ratatui::layout::Rect::new(0, 0, 80, 40);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        draw(&board, palette, area, &mut buffer);
        let colours = buffer.content().iter().filter(|cell| cell.fg != ratatui::style::Color::Reset).count();
        (buffer.content().iter().map(|cell| cell.symbol()).collect::<String>(), colours)
    };
    let (plain, coloured) = (text(Palette::new(false)), text(Palette::new(true)));
    assert_eq!(plain.0, coloured.0);
    assert!(plain.1 == 0 && coloured.1 > 0);
}
