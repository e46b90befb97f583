//! Builds the stand-in once, and gives every test a copy of its own: a library's state is that of its file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use isotherm_nvml::{Effort, NvmlMeter};
use isotherm_recording::{Meter, Reading};
use tempfile::TempDir;

/// Compiles the stand-in; none, with a message, where there is no C compiler.
fn built() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libnvidia-ml-stand-in.so");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand_in/build.sh");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        if Command::new(&compiler).arg("--version").output().is_err() {
            eprintln!("skipped: there is no C compiler `{compiler}` to build the stand-in with");
            return None;
        }
        let output = Command::new("sh").arg(script).arg(&library).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(library)
    };
    BUILT.get_or_init(build).as_deref()
}

/// One stand-in, its script, and the clock that its meters go by.
pub(crate) struct StandIn {
    folder: TempDir,
    clock: Arc<AtomicI64>,
}

/// Where the clock of every test begins (ns).
pub(crate) const BEGIN: i64 = 1_700_000_000_000_000_000;
pub(crate) const MILLISECOND: i64 = 1_000_000;

impl StandIn {
    /// A fresh one that plays `script`; none where it cannot be built.
    pub(crate) fn playing(script: &str) -> Option<Self> {
        let built = built()?;
        let new = Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(AtomicI64::new(BEGIN)) };
        std::fs::copy(built, new.library()).unwrap();
        new.play(script);
        Some(new)
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.folder.path().join("libnvidia-ml.so")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.folder.path().join(format!("libnvidia-ml.so.{ending}"))
    }

    /// Plays another script from the next call on. Time stands still unless the script says otherwise.
    pub(crate) fn play(&self, script: &str) {
        let new = self.beside("new");
        std::fs::write(&new, format!("time 0\nrefresh 0\n{script}\n")).unwrap();
        std::fs::rename(new, self.beside("script")).unwrap();
    }

    /// A meter that asks for everything at every poll.
    pub(crate) fn open(&self) -> NvmlMeter {
        let mut meter = self.open_sparing();
        meter.set_effort(Effort::Full);
        meter
    }

    pub(crate) fn open_sparing(&self) -> NvmlMeter {
        let clock = self.clock.clone();
        NvmlMeter::open_with_clock(Some(&self.library()), move || clock.load(Ordering::Relaxed)).unwrap()
    }

    pub(crate) fn refusal(&self) -> String {
        NvmlMeter::open(Some(&self.library())).unwrap_err().to_string()
    }

    /// Lets time pass on the meters' clock.
    pub(crate) fn wait(&self, milliseconds: i64) {
        self.clock.fetch_add(milliseconds * MILLISECOND, Ordering::Relaxed);
    }

    /// The calls since the last time, as `GPU KEY`. The script has to say `log 1`.
    pub(crate) fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.beside("calls")).unwrap_or_default();
        std::fs::write(self.beside("calls"), "").unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

/// One poll.
pub(crate) fn read(meter: &mut NvmlMeter) -> Vec<Reading> {
    let mut readings = Vec::new();
    meter.read(&mut readings).unwrap();
    readings
}

/// One poll of the only GPU.
pub(crate) fn read_one(meter: &mut NvmlMeter) -> Reading {
    let readings = read(meter);
    assert_eq!(readings.len(), 1);
    readings.into_iter().next().unwrap()
}

/// The stand-in that plays a script, or the end of the test where there is no compiler.
macro_rules! stand_in {
    ($script:expr) => {
        match crate::stand_in::StandIn::playing($script) {
            Some(stand_in) => stand_in,
            None => return,
        }
    };
}
pub(crate) use stand_in;
