//! GPUs that are not there, read by a clock that stands still until somebody sleeps.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use isotherm::execute::Clock;
use isotherm_core::telemetry::{Sample, TelemetryError, TelemetrySource, TelemetrySpec, Truth};
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, Watts};
use serde::{Deserialize, Serialize};

/// A clock that only sleepers move.
#[derive(Debug, Default)]
pub(super) struct StandingClock {
    now: Mutex<Duration>,
    sleeps: AtomicU64,
    late_every: u64,
    late: Duration,
}

impl StandingClock {
    /// Every `every`-th sleep ends this much too late.
    pub(super) fn late(every: u64, late: Duration) -> Self {
        Self { late_every: every, late, ..Self::default() }
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_until(&self, at: Duration) {
        let sleep = self.sleeps.fetch_add(1, Ordering::Relaxed) + 1;
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = at.max(*now);
        if self.late_every > 0 && sleep.is_multiple_of(self.late_every) {
            *now += self.late;
        }
    }
}

/// The clocks that sources look at, by name: a spec is text and cannot hold one.
static CLOCKS: Mutex<BTreeMap<String, Arc<StandingClock>>> = Mutex::new(BTreeMap::new());

/// Makes a clock known to the sources that name it.
pub(super) fn hang(name: &str, clock: StandingClock) -> Arc<StandingClock> {
    let clock = Arc::new(clock);
    CLOCKS.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::clone(&clock));
    clock
}

/// Drawn anew for every source: like hardware, no two runs see the same.
static DRAWN: AtomicU64 = AtomicU64::new(1);

/// Live telemetry of GPUs whose temperature and power walk about, as real numbers of full precision and with ages.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WalkSpec {
    /// Which clock polls are checked against; none where nothing is checked.
    #[serde(default)]
    clock: String,
    #[serde(default = "period")]
    period: SimDuration,
    /// From this poll on, the last GPU does not answer.
    #[serde(default)]
    lost_from: Option<u32>,
    /// Why there is no hardware.
    #[serde(default)]
    absent: Option<String>,
}

const fn period() -> SimDuration {
    SimDuration::from_millis(20)
}

#[typetag::serde(name = "test-walk")]
impl TelemetrySpec for WalkSpec {
    fn period(&self) -> SimDuration {
        self.period
    }

    fn build(&self, gpus: usize, _: u64) -> Result<Box<dyn TelemetrySource>, TelemetryError> {
        if let Some(why) = &self.absent {
            return Err(TelemetryError::Failed(why.clone()));
        }
        let clock = CLOCKS.lock().unwrap_or_else(PoisonError::into_inner).get(&self.clock).cloned();
        let walk = DRAWN.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Ok(Box::new(Walk {
            at: vec![(45.0, 300.0); gpus],
            walk,
            polls: 0,
            start: None,
            clock,
            lost_from: self.lost_from,
        }))
    }

    fn prescribes_temperature(&self) -> bool {
        true
    }

    fn is_live(&self) -> bool {
        true
    }

    fn warning(&self) -> Option<&'static str> {
        Some("live telemetry")
    }
}

struct Walk {
    at: Vec<(f64, f64)>,
    walk: u64,
    polls: u32,
    start: Option<Duration>,
    clock: Option<Arc<StandingClock>>,
    lost_from: Option<u32>,
}

impl Walk {
    /// Between 0 and 1.
    fn draw(&mut self) -> f64 {
        self.walk = self.walk.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.walk >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A poll must not come before its time.
    fn check(&mut self, now: SimTime) -> Result<(), TelemetryError> {
        let Some(clock) = &self.clock else { return Ok(()) };
        let read = clock.now();
        let start = *self.start.get_or_insert(read);
        if read < start + Duration::from_nanos(now.nanos()) {
            return Err(TelemetryError::Failed(format!("polled for {now} at {:?}", read - start)));
        }
        Ok(())
    }
}

impl TelemetrySource for Walk {
    fn sample(&mut self, now: SimTime, truth: &[Truth], out: &mut [Sample]) -> Result<(), TelemetryError> {
        self.check(now)?;
        for (gpu, sample) in out.iter_mut().enumerate() {
            let (step, jump, age) = (self.draw() - 0.5, self.draw() - 0.5, self.draw());
            let (temperature, power) = &mut self.at[gpu];
            *temperature = (*temperature + 9.0 * step).clamp(30.0, 90.0);
            *power = (*power + 80.0 * jump).clamp(70.0, 700.0);
            let is_lost = gpu + 1 == truth.len() && self.lost_from.is_some_and(|from| self.polls >= from);
            *sample = Sample {
                taken_at: SimTime::from_nanos((now.nanos() as f64 * age) as u64),
                temperature: (!is_lost).then(|| Celsius::new(*temperature)),
                power: (!is_lost).then(|| Watts::new(*power)),
            };
        }
        self.polls += 1;
        Ok(())
    }
}
