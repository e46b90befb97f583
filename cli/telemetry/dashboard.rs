//! What `isotherm telemetry watch` shows, apart from the terminal it is shown on.
//!
//! A [`Board`] takes readings and is drawn into any area: large panels where there is room, one line a GPU where there is little, and it scrolls where
//! even that is too much. Nothing here reads a clock, so that a frame can be tested to the letter.

mod bar;
mod history;
mod list;
mod palette;
mod panel;
mod screen;

use isotherm_recording::{DeviceFacts, Entry, Reading, Signal, Standing};

pub use palette::Palette;
pub use screen::{draw, page};

use history::History;

/// The devices, their last readings and the minutes before.
#[derive(Clone, Debug)]
pub struct Board {
    source: String,
    tiles: Vec<Tile>,
    /// Why the source as a whole gives nothing at present.
    trouble: Option<String>,
    /// Now, as the caller says (ns, Unix time).
    now: i64,
    /// Rows of tiles that are above the window.
    pub scrolled: usize,
}

/// One device.
#[derive(Clone, Debug)]
struct Tile {
    facts: DeviceFacts,
    /// The last reading at which it answered.
    reading: Reading,
    /// Since when it is lost (ns, Unix time).
    lost: Option<i64>,
    power: History,
    temperature: History,
}

impl Board {
    /// A board that has seen nothing yet.
    #[must_use]
    pub fn new(source: String, devices: &[DeviceFacts]) -> Self {
        let tile = |facts: &DeviceFacts| Tile {
            facts: facts.clone(),
            reading: Reading { device: facts.index, ..Reading::default() },
            lost: None,
            power: History::default(),
            temperature: History::default(),
        };
        Self { source, tiles: devices.iter().map(tile).collect(), trouble: None, now: 0, scrolled: 0 }
    }

    /// Takes one poll. A device that is lost keeps its last values, marked as old.
    pub fn take(&mut self, readings: &[Reading]) {
        self.trouble = None;
        for (tile, reading) in self.tiles.iter_mut().zip(readings) {
            tile.take(reading);
        }
    }

    /// The source as a whole did not answer.
    pub fn fail(&mut self, why: String) {
        self.trouble = Some(why);
    }

    /// Sets the time from which ages are counted (ns, Unix time).
    pub fn at(&mut self, now: i64) {
        self.now = now;
    }

    /// Devices on the board.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.tiles.len()
    }

    /// Power of all devices that give it, and the sum of their limits (W).
    fn power(&self) -> Option<(f64, f64)> {
        let watts: Vec<f64> = self.tiles.iter().filter(|tile| tile.lost.is_none()).filter_map(Tile::watts).collect();
        let limit = self.tiles.iter().filter(|tile| tile.lost.is_none()).filter_map(Tile::power_limit).sum();
        (!watts.is_empty()).then(|| (watts.iter().sum(), limit))
    }

    /// The highest temperature of a die (degC).
    fn hottest(&self) -> Option<i64> {
        let present = self.tiles.iter().filter(|tile| tile.lost.is_none());
        present.filter_map(|tile| tile.reading.value(Signal::Temperature)).max()
    }
}

impl Tile {
    fn take(&mut self, reading: &Reading) {
        if reading.standing == Standing::Lost {
            self.lost.get_or_insert(reading.begun);
        } else {
            self.lost = None;
            self.reading.clone_from(reading);
        }
        let present = self.lost.is_none();
        self.power.push(reading.begun, self.watts().filter(|_| present));
        let celsius = self.reading.value(Signal::Temperature).filter(|_| present);
        self.temperature.push(reading.begun, celsius.map(|celsius| celsius as f64));
    }

    /// Power (W): that of the shortest window, for it shows most.
    fn watts(&self) -> Option<f64> {
        let signals = [Signal::PowerInstant, Signal::PowerMean, Signal::Power];
        signals.into_iter().find_map(|signal| self.reading.value(signal)).map(|milli| milli as f64 / 1e3)
    }

    fn power_limit(&self) -> Option<f64> {
        let now = self.reading.value(Signal::PowerLimit).map(|milli| milli as f64 / 1e3);
        now.or(self.facts.power_limit_w).filter(|limit| *limit > 0.0)
    }

    fn reasons(&self) -> Option<u64> {
        self.reading.value(Signal::Reasons).map(i64::cast_unsigned)
    }

    /// Time since anything of it changed (s); `None` before the first value.
    fn age(&self, now: i64) -> Option<f64> {
        let changed = |entry: &Entry| match entry {
            Entry::Value { changed, .. } => Some(*changed),
            Entry::Missing(_) => None,
        };
        let newest = self.reading.entries.iter().filter_map(changed).max()?;
        Some((now.saturating_sub(newest).max(0)) as f64 / 1e9)
    }
}

/// A time that has passed, short.
fn ago(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s => format!("{:.0} min", s / 60.0),
    }
}
