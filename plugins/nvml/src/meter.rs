//! All GPUs of this machine as a meter.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use isotherm_recording::meter::unix_nanos;
use isotherm_recording::probe::{self, Pace, SystemPace};
use isotherm_recording::{DeviceFacts, Meter, MeterError, Reading};
use nvml_wrapper::error::NvmlError;

use crate::back_off::BackOff;
use crate::border::Session;
use crate::effort::Effort;
use crate::facts::{self, TemperatureLimits};
use crate::unavailable;
use crate::watched::{Link, Watched};
use crate::{LIBRARY_VARIABLE, SOURCE};

/// Unix time (ns).
type Clock = Box<dyn Fn() -> i64 + Send>;

/// Time between two polls while refresh periods are measured, where the driver is as fast.
const MEASURING_PERIOD: Duration = Duration::from_millis(5);

/// Where the driver's library is looked for, in order.
#[cfg(not(windows))]
const LIBRARIES: [&str; 3] = ["libnvidia-ml.so.1", "libnvidia-ml.so", "/usr/lib/wsl/lib/libnvidia-ml.so.1"];
#[cfg(windows)]
const LIBRARIES: [&str; 1] = ["nvml.dll"];

/// Reads the NVIDIA GPUs of this machine through NVML, which is loaded when it is opened.
///
/// A poll costs as little as it can; [`Effort`] says how often each signal is asked for. All fields come from one call. What a device does
/// not give, or not to this user, is found out once and not asked for again.
///
/// A device that does not answer gives readings that say so, and is tried again after 1 s, 2 s and so on up to 30 s, by its UUID. When no
/// device answers, the library is loaded anew, which is what a new driver needs; while others answer it is not, for that would stop them.
/// The counters of a device may have begun anew then, or at any time: such a reading is [`Standing::Reset`](isotherm_recording::Standing).
///
/// Devices are read one after the other: a slow call delays those behind it and shows as [`Reading::ended`] less [`Reading::begun`].
///
/// ```
/// use isotherm_nvml::NvmlMeter;
/// use std::path::Path;
/// let error = NvmlMeter::open(Some(Path::new("/nowhere/libnvidia-ml.so"))).unwrap_err().to_string();
/// assert!(error.starts_with("nvml: not available (cannot load /nowhere/libnvidia-ml.so: "), "{error}");
/// ```
pub struct NvmlMeter {
    library: OsString,
    session: Option<Session>,
    watched: Vec<Watched>,
    facts: Vec<DeviceFacts>,
    limits: Vec<TemperatureLimits>,
    effort: Effort,
    clock: Clock,
}

impl NvmlMeter {
    /// Loads the library and takes in what its devices give. Without `library`, it is the one that the environment names in
    /// `ISOTHERM_NVML_LIBRARY`, else the driver's.
    ///
    /// # Errors
    /// [`MeterError::Unavailable`] with the reason: no driver, none loaded, of another version than the library, no permission, no GPU.
    pub fn open(library: Option<&Path>) -> Result<Self, MeterError> {
        Self::open_with_clock(library, unix_nanos)
    }

    /// As [`NvmlMeter::open`], on a clock of the caller's (ns since 1970): for tests, and for time that is not the system's.
    ///
    /// # Errors
    /// As [`NvmlMeter::open`].
    pub fn open_with_clock(
        library: Option<&Path>,
        clock: impl Fn() -> i64 + Send + 'static,
    ) -> Result<Self, MeterError> {
        let (session, library) = load(library)?;
        let mut meter = Self {
            library,
            session: None,
            watched: Vec::new(),
            facts: Vec::new(),
            limits: Vec::new(),
            effort: Effort::default(),
            clock: Box::new(clock),
        };
        meter.find(session)?;
        Ok(meter)
    }

    /// Sets how much the polls from now on may cost.
    pub const fn set_effort(&mut self, effort: Effort) {
        self.effort = effort;
    }

    /// Measures for `span` how often each signal is refreshed, and keeps it in [`Meter::devices`]. All is asked for as fast as it comes, so
    /// two seconds keep most of a core busy.
    pub fn measure(&mut self, span: Duration) {
        self.measure_at(span, &mut SystemPace);
    }

    /// As [`NvmlMeter::measure`], at a pace of the caller's.
    pub fn measure_at(&mut self, span: Duration, pace: &mut dyn Pace) {
        let effort = std::mem::replace(&mut self.effort, Effort::Full);
        let measured = probe::measure_at(self, span, MEASURING_PERIOD, pace);
        self.effort = effort;
        for (device, signals) in self.facts.iter_mut().zip(measured) {
            device.signals.extend(signals);
        }
    }

    /// Distances to the temperature limits, one entry a device, in the order of [`Meter::devices`].
    #[must_use]
    pub fn temperature_limits(&self) -> &[TemperatureLimits] {
        &self.limits
    }

    /// Takes in all devices of a session.
    fn find(&mut self, mut session: Session) -> Result<(), MeterError> {
        let driver = session.nvml().sys_driver_version().ok();
        let count = session.nvml().device_count().map_err(|error| unavailable::because(error.to_string()))?;
        if count == 0 {
            return Err(unavailable::because("the driver sees no GPU"));
        }
        for index in 0..count {
            let link = match session.attach(self.watched.len(), index, None) {
                Ok(()) => Link::Attached,
                Err(NvmlError::NoPermission) => Link::Barred,
                Err(_) => Link::Lost(BackOff::since((self.clock)())),
            };
            self.take_in(&session, index, driver.clone(), link);
        }
        if self.watched.iter().all(|watched| watched.link == Link::Barred) {
            return Err(unavailable::because(unavailable::no_permission()));
        }
        self.session = Some(session);
        Ok(())
    }

    fn take_in(&mut self, session: &Session, index: u32, driver: Option<String>, link: Link) {
        let mut watched = Watched::new(index, link);
        let device = session.device(self.watched.len()).filter(|_| link == Link::Attached);
        let (mut facts, limits) = match &device {
            Some(device) => facts::of_device(device, index, driver),
            None => (facts::of_stranger(index, driver), TemperatureLimits::default()),
        };
        let reading = watched.read(device.as_ref(), self.effort, &self.clock);
        let generation = device.and_then(|device| facts::generation(&device).ok());
        facts::add_signals(&mut facts, &limits, &reading, generation);
        self.watched.push(watched);
        self.facts.push(facts);
        self.limits.push(limits);
    }

    /// Tries to attach what is lost and due.
    fn recover(&mut self) {
        let now = (self.clock)();
        let is_due = |watched: &Watched| matches!(watched.link, Link::Lost(next) if next.is_due(now));
        if !self.watched.iter().any(is_due) {
            return;
        }
        if !self.watched.iter().any(|watched| watched.link == Link::Attached) {
            // The old one first: a library is initialised as often as it was loaded, and the driver must see it go.
            self.session = None;
            self.session = Session::open(&self.library).ok();
        }
        for (place, (watched, facts)) in self.watched.iter_mut().zip(&self.facts).enumerate() {
            let Link::Lost(next) = watched.link else { continue };
            if !next.is_due(now) {
                continue;
            }
            let attach = |session: &mut Session| session.attach(place, facts.index, facts.uuid.as_deref());
            match self.session.as_mut().map(attach) {
                Some(Ok(())) => watched.attached(),
                _ => watched.link = Link::Lost(next.again(now)),
            }
        }
    }
}

impl fmt::Debug for NvmlMeter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NvmlMeter").field("library", &self.library).field("devices", &self.facts).finish()
    }
}

impl Meter for NvmlMeter {
    fn source(&self) -> String {
        SOURCE.to_owned()
    }

    fn devices(&self) -> &[DeviceFacts] {
        &self.facts
    }

    fn read(&mut self, out: &mut Vec<Reading>) -> Result<(), MeterError> {
        self.recover();
        out.clear();
        for (place, watched) in self.watched.iter_mut().enumerate() {
            let device = self.session.as_ref().and_then(|session| session.device(place));
            out.push(watched.read(device.as_ref(), self.effort, &self.clock));
        }
        Ok(())
    }
}

/// Loads the library that was named, or the first of the driver's that is there.
fn load(library: Option<&Path>) -> Result<(Session, OsString), MeterError> {
    let named = library.map(|path| path.as_os_str().to_owned());
    let chosen = named.or_else(|| std::env::var_os(LIBRARY_VARIABLE).filter(|name| !name.is_empty()));
    if let Some(chosen) = chosen {
        return match Session::open(&chosen) {
            Ok(session) => Ok((session, chosen)),
            Err(error) => Err(unavailable::at_start(&error, &chosen, true)),
        };
    }
    for library in LIBRARIES.map(OsStr::new) {
        match Session::open(library) {
            Ok(session) => return Ok((session, library.to_owned())),
            Err(NvmlError::LibloadingError(_)) => {}
            Err(error) => return Err(unavailable::at_start(&error, library, false)),
        }
    }
    Err(unavailable::at_start(&NvmlError::LibraryNotFound, OsStr::new(LIBRARIES[0]), false))
}
