//! An exporter as a meter.

use std::time::Duration;

use isotherm_recording::meter::unix_nanos;
use isotherm_recording::{DeviceFacts, Entry, Meter, MeterError, Missing, Reading, Signal, Standing};

use super::client::Client;
use super::scrape::{Page, Scraped, scrape};

/// How long an exporter may take for a page.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the devices on the page of an exporter, one request a poll.
///
/// The devices are those of the page when the meter was made. One that is not there later is [`Standing::Lost`] until it is back; one that is new is left
/// out. A counter that is lower than it was is [`Standing::Reset`]. A poll that fails changes nothing; the next one asks again.
///
/// What changes is seen when the page shows it: an exporter asks its devices once in 30 s unless it was told otherwise (`--collect-interval`), and values are that
/// much older than they look.
pub struct DcgmMeter {
    client: Client,
    devices: Vec<DeviceFacts>,
    /// What finds a device on the page: host, and number on the host.
    keys: Vec<(Option<String>, u32)>,
    /// The reading before, for the age of values.
    last: Vec<Reading>,
    /// The highest that each counter was since it began.
    counters: Vec<[Option<i64>; Signal::COUNT]>,
}

impl DcgmMeter {
    /// Asks the exporter at `url` which devices it has. An address without a path means `/metrics`. It may take 5 s, as may every poll.
    ///
    /// Of several hosts on one page, devices are numbered through in the order of their hosts, and the host is part of the device's name.
    ///
    /// # Errors
    /// [`MeterError::Unavailable`] if the address is none, nobody answers, what answers is no exporter, or it has no GPU.
    ///
    /// ```
    /// use isotherm_telemetry::dcgm::DcgmMeter;
    /// let fault = DcgmMeter::open("https://node7:9400/metrics").err().unwrap().to_string();
    /// assert!(fault.contains("https is not spoken; expected an address with http"), "{fault}");
    /// ```
    pub fn open(url: &str) -> Result<Self, MeterError> {
        Self::open_within(url, PATIENCE)
    }

    /// As [`DcgmMeter::open`], with a limit of one's own for each answer.
    ///
    /// # Errors
    /// As [`DcgmMeter::open`].
    pub fn open_within(url: &str, patience: Duration) -> Result<Self, MeterError> {
        let unavailable = |source: &str, why| MeterError::Unavailable { source_name: source.to_owned(), why };
        // A password that should not be there is not shown either.
        let shown = url.rsplit('@').next().unwrap_or_default();
        let client = Client::new(url, patience).map_err(|why| unavailable(shown, why))?;
        let page = ask(&client).map_err(|why| unavailable(client.url(), why))?.0;
        if page.devices.is_empty() {
            let why = "it has no GPU at present; expected rows such as DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 41".to_owned();
            return Err(unavailable(client.url(), why));
        }
        let keys: Vec<_> = page.devices.iter().map(|device| (device.host.clone(), device.facts.index)).collect();
        let several = keys.iter().any(|(host, _)| *host != keys[0].0);
        let devices: Vec<_> =
            (0..).zip(page.devices).map(|(place, device)| facts(device, several.then_some(place))).collect();
        let counters = vec![[None; Signal::COUNT]; devices.len()];
        Ok(Self { client, devices, keys, last: Vec::new(), counters })
    }

    /// The host of each device, where the page names one, in the order of [`Meter::devices`].
    pub fn hosts(&self) -> impl Iterator<Item = Option<&str>> {
        self.keys.iter().map(|(host, _)| host.as_deref())
    }
}

impl Meter for DcgmMeter {
    fn source(&self) -> String {
        self.client.url().to_owned()
    }

    fn devices(&self) -> &[DeviceFacts] {
        &self.devices
    }

    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
        out.clear();
        let begun = unix_nanos();
        let (page, ended) =
            ask(&self.client).map_err(|why| MeterError::Broken { source_name: self.client.url().to_owned(), why })?;
        for (place, facts) in self.devices.iter().enumerate() {
            let found =
                page.devices.iter().find(|device| self.keys[place] == (device.host.clone(), device.facts.index));
            let (standing, entries) = match found {
                None => (Standing::Lost, [Entry::Missing(Missing::Lost); Signal::COUNT]),
                Some(device) => (standing(&mut self.counters[place], &device.entries), device.entries),
            };
            let mut reading = Reading { device: facts.index, begun, ended, standing, entries };
            if let Some(last) = self.last.get(place) {
                reading.age_from(last);
            }
            out.push(reading);
        }
        self.last.clone_from(out);
        Ok(())
    }
}

/// The page as it is now, and when it had come (ns, Unix time).
fn ask(client: &Client) -> Result<(Page, i64), String> {
    let text = client.fetch()?;
    let now = unix_nanos();
    Ok((scrape(&text, now).map_err(|fault| fault.to_string())?, now))
}

/// The facts of a device, `place` being its number among those of several hosts.
fn facts(device: Scraped, place: Option<u32>) -> DeviceFacts {
    let mut facts = device.facts;
    if facts.name.is_empty() {
        "GPU".clone_into(&mut facts.name);
    }
    if let Some(place) = place {
        let host = device.host.as_deref().unwrap_or("unnamed host");
        facts.name = format!("{} ({host}, GPU {})", facts.name, facts.index);
        facts.index = place;
    }
    facts
}

/// Whether a counter fell, and the counters from then on.
fn standing(counters: &mut [Option<i64>; Signal::COUNT], entries: &[Entry; Signal::COUNT]) -> Standing {
    let mut standing = Standing::Present;
    for signal in Signal::ALL.into_iter().filter(|signal| signal.is_counter()) {
        let place = signal.index();
        if let Some(value) = entries[place].value() {
            if counters[place].is_some_and(|before| value < before) {
                standing = Standing::Reset;
            }
            counters[place] = Some(value);
        }
    }
    standing
}
