//! An exporter's page as devices and what is known of them.

use std::collections::BTreeMap;

use isotherm_recording::dcgm::{FACTS, Field, names, number};
use isotherm_recording::device::SignalFacts;
use isotherm_recording::{DeviceFacts, Entry, Missing, Signal};
use thiserror::Error;

use super::text::{Row, row};

/// What a page says, devices in the order of host and number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Devices that have at least one row.
    pub devices: Vec<Scraped>,
    /// Lines that are no metrics; they were left out.
    pub skipped: u32,
}

/// One device on a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scraped {
    /// Name of the machine it is in, where the page has one: a page may hold several machines.
    pub host: Option<String>,
    /// What does not change. [`DeviceFacts::index`] is the number on its host.
    pub facts: DeviceFacts,
    /// One entry a signal, in the order of [`Signal::ALL`]; signals that the page does not have are [`Missing::NotAsked`].
    pub entries: [Entry; Signal::COUNT],
}

/// Why a text is not the page of an exporter.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScrapeError {
    /// Nothing is there.
    #[error("the page is empty; an exporter that was just started has nothing yet, else its log tells why")]
    Empty,
    /// It ends in the middle.
    #[error("the page ends in the middle of line {line}; expected every line to end in a newline")]
    Truncated {
        /// Where, counted from 1.
        line: usize,
    },
    /// It is a page for people.
    #[error("found a web page; expected metrics in Prometheus's text format, which exporters have at /metrics")]
    WebPage,
    /// It is some other text.
    #[error(
        "line {line} is no metric: `{found}`; expected Prometheus's text format, for example `DCGM_FI_DEV_GPU_TEMP{{gpu=\"0\"}} 41`"
    )]
    NotMetrics {
        /// Where, counted from 1.
        line: usize,
        /// The beginning of the line.
        found: String,
    },
    /// Metrics, but of other things.
    #[error(
        "{rows} metrics, but none of a GPU; expected names such as DCGM_FI_DEV_GPU_TEMP with a label gpu (the exporter of DCGM listens on port 9400)"
    )]
    NoGpu {
        /// How many.
        rows: usize,
    },
}

/// Reads a page. `now` (ns, Unix time) is when it came; values change then, or when the page itself says that they were taken, if that is earlier.
///
/// Rows are joined by host (`Hostname`, `hostname`, else `instance`) and `gpu`. A blank, a `NaN` or a value that cannot be is an [`Entry::Missing`]; of two rows
/// for one signal the one with the better name counts, then the first. A row with `GPU_I_ID` belongs to an instance of a partitioned GPU: it makes the device
/// known as partitioned and gives it no value, for what DCGM writes there may be of the whole device or of a part. A page that announces GPU metrics but
/// has no rows is one of no devices.
///
/// # Errors
/// [`ScrapeError`] if the text is no page of an exporter. Lines that make no sense among others that do are counted in [`Page::skipped`].
///
/// ```
/// use isotherm_recording::{Entry, Missing, Signal};
/// use isotherm_telemetry::dcgm::scrape;
///
/// let page = scrape(
///     "DCGM_FI_DEV_POWER_USAGE{gpu=\"1\",modelName=\"NVIDIA H200\",Hostname=\"a\"} 694.123000\n\
///      DCGM_FI_DEV_MEMORY_TEMP{gpu=\"1\",modelName=\"NVIDIA H200\",Hostname=\"a\"} 9223372036854775794\n",
///     1_000,
/// )?;
/// let device = &page.devices[0];
/// assert_eq!((device.facts.index, device.facts.name.as_str()), (1, "NVIDIA H200"));
/// assert_eq!(device.entries[Signal::Power.index()], Entry::Value { value: 694_123, changed: 1_000 });
/// assert_eq!(device.entries[Signal::MemoryTemperature.index()], Entry::Missing(Missing::Unsupported));
/// # Ok::<(), isotherm_telemetry::dcgm::ScrapeError>(())
/// ```
pub fn scrape(text: &str, now: i64) -> Result<Page, ScrapeError> {
    if text.trim_start().starts_with('<') {
        return Err(ScrapeError::WebPage);
    }
    let mut gathered = Gathered::default();
    let (mut last, mut stranger, mut announced) = (None, None, false);
    let (mut rows, mut skipped) = (0, 0);
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        last = Some(number);
        if let Some(comment) = line.trim_start().strip_prefix('#') {
            announced |= announces(comment);
        } else if let Some(row) = row(line) {
            rows += 1;
            gathered.add(&row, now);
        } else {
            skipped += 1;
            stranger.get_or_insert_with(|| ScrapeError::NotMetrics { line: number, found: beginning(line) });
        }
    }
    let Some(line) = last else { return Err(ScrapeError::Empty) };
    match stranger {
        Some(stranger) if rows == 0 && !announced => Err(stranger),
        // Half a number is a number too: nothing of a page that was cut is believed.
        _ if !text.ends_with('\n') => Err(ScrapeError::Truncated { line }),
        _ if gathered.devices.is_empty() && !announced => Err(ScrapeError::NoGpu { rows }),
        _ => Ok(Page { devices: gathered.finish(), skipped }),
    }
}

/// Whether a comment tells of a metric of ours, the `#` taken away.
fn announces(comment: &str) -> bool {
    let mut words = comment.split_ascii_whitespace();
    matches!(words.next(), Some("HELP" | "TYPE")) && words.next().is_some_and(|name| names::of_name(name).is_some())
}

/// What of a line can be shown in a message.
fn beginning(line: &str) -> String {
    const SHOWN: usize = 60;
    let line = line.trim();
    let mut shown: String = line.chars().filter(|character| !character.is_control()).take(SHOWN).collect();
    if shown.len() < line.len() {
        shown.push_str("...");
    }
    shown
}

/// Devices by host and number.
#[derive(Default)]
struct Gathered {
    devices: BTreeMap<(Option<String>, u32), Gathering>,
}

/// One device while its rows come in.
#[derive(Default)]
struct Gathering {
    facts: DeviceFacts,
    /// Entry and rank of the name it came under.
    entries: [Option<(Entry, usize)>; Signal::COUNT],
}

impl Gathered {
    fn add(&mut self, row: &Row<'_>, now: i64) {
        let field = names::of_name(row.name);
        let fact = FACTS.iter().find(|fact| fact.name == row.name);
        if field.is_none() && fact.is_none() {
            return;
        }
        let Some(index) = row.label("gpu").and_then(|gpu| gpu.parse().ok()) else { return };
        let host = ["Hostname", "hostname", "instance"].iter().find_map(|label| row.label(label));
        let device = self.devices.entry((host.map(str::to_owned), index)).or_default();
        device.facts.index = index;
        device.introduce(row);
        if let Some((field, rank)) = field {
            device.add(field, rank, row, now);
        } else if let (Some(fact), Some(value)) = (fact, number::finite(row.value).filter(|value| *value < 1e5)) {
            // Beyond that is a blank.
            (fact.set)(&mut device.facts, value);
        }
    }

    fn finish(self) -> Vec<Scraped> {
        self.devices.into_iter().map(|((host, _), device)| device.finish(host)).collect()
    }
}

impl Gathering {
    /// What the labels say of the device.
    fn introduce(&mut self, row: &Row<'_>) {
        let facts = &mut self.facts;
        if let (true, Some(name)) = (facts.name.is_empty(), row.label("modelName")) {
            name.clone_into(&mut facts.name);
        }
        if facts.uuid.is_none() {
            facts.uuid = row.label("UUID").or_else(|| row.label("uuid")).map(str::to_owned);
        }
        if facts.driver.is_none() {
            facts.driver = row.label("DCGM_FI_DRIVER_VERSION").map(str::to_owned);
        }
    }

    fn add(&mut self, field: &Field, rank: usize, row: &Row<'_>, now: i64) {
        let part = row.label("GPU_I_ID").is_some();
        self.facts.is_partitioned |= part;
        let entry = if part {
            Entry::Missing(Missing::Unsupported)
        } else {
            let taken = row.millis.map_or(now, |millis| millis.saturating_mul(1_000_000).min(now));
            number::entry(field, row.value, taken)
        };
        // Smaller is better: a value before a reason, then the better name; rows that are alike say the same, once for every pod on the device.
        let merit = |(entry, rank): (Entry, usize)| (entry.value().is_none(), rank);
        let slot = &mut self.entries[field.signal.index()];
        if slot.is_none_or(|known| merit((entry, rank)) < merit(known)) {
            *slot = Some((entry, rank));
        }
    }

    fn finish(self, host: Option<String>) -> Scraped {
        let mut facts = self.facts;
        let entries = self.entries.map(|slot| slot.map_or_else(Entry::default, |(entry, _)| entry));
        for (signal, entry) in Signal::ALL.into_iter().zip(entries) {
            if let Entry::Missing(missing) = entry {
                facts.missing.insert(signal, missing);
            } else {
                facts.signals.insert(signal, SignalFacts::default());
            }
        }
        facts.power_limit_w = entries[Signal::PowerLimit.index()].value().map(|milliwatts| milliwatts as f64 / 1000.0);
        Scraped { host, facts, entries }
    }
}
