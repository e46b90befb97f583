//! What a controller of prices is to keep: a temperature or a power of every GPU, and whether that can be kept at all.

use isotherm_core::router::{ClusterView, Feasibility, RouterError};
use isotherm_core::telemetry::Sample;
use isotherm_core::time::{SimDuration, SimTime};
use isotherm_core::units::{Celsius, Watts};
use serde::{Deserialize, Serialize};

use crate::belief::require_above;

/// The limit that a controller keeps each GPU to, on sampled values: `"70 degC"` or `"340 W"`.
///
/// ```
/// use isotherm_core::units::{Celsius, Watts};
/// use isotherm_routers::Cap;
/// assert_eq!(Cap::try_from("70 degC".to_owned()), Ok(Cap::Temperature(Celsius::new(70.0))));
/// assert_eq!(Cap::try_from("0.34 kW".to_owned()), Ok(Cap::Power(Watts::new(340.0))));
/// assert!(Cap::try_from("70".to_owned()).unwrap_err().contains("70 degC"), "a unit says what is meant");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Cap {
    /// Of the die (degC).
    Temperature(Celsius),
    /// Of the whole GPU (W); samples are snapshots, so it is kept on the mean.
    Power(Watts),
}

impl TryFrom<String> for Cap {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Ok(temperature) = text.parse() {
            return Ok(Self::Temperature(temperature));
        }
        match text.parse::<Watts>() {
            Ok(power) if power.get() > 0.0 => Ok(Self::Power(power)),
            Ok(_) => Err(format!("`{text}` is no cap that a GPU could keep; for example \"340 W\"")),
            Err(_) => Err(format!(
                "`{text}` is neither a temperature above absolute zero nor a power; for example \"70 degC\" or \"340 W\""
            )),
        }
    }
}

impl From<Cap> for String {
    fn from(cap: Cap) -> Self {
        match cap {
            Cap::Temperature(temperature) => temperature.to_string(),
            Cap::Power(power) => power.to_string(),
        }
    }
}

impl Cap {
    /// How far a sample is above the cap (K or W); `None` where it was not measured.
    fn excess(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::Temperature(cap) => Some(sample.temperature?.get() - cap.get()),
            Self::Power(cap) => Some(sample.power?.get() - cap.get()),
        }
    }

    /// An excess that asks for the full price (K or W): where gains are not given they are made from it.
    pub(crate) fn full_excess(self) -> f64 {
        match self {
            Self::Temperature(_) => 20.0,
            Self::Power(cap) => cap.get().max(1.0),
        }
    }

    /// The option `patience` (s): as the scenario says, or the default.
    pub(crate) fn patience(self, given: Option<SimDuration>, time_constant: f64) -> Result<f64, RouterError> {
        let Some(given) = given.map(SimDuration::seconds) else { return Ok(self.default_patience(time_constant)) };
        require_above("patience", given, 0.0, "\"10 s\"")?;
        Ok(given)
    }

    /// Time over which an excess is averaged before anything is said about feasibility, where the scenario does not say (s), for a GPU of
    /// this time constant (s).
    pub(crate) fn default_patience(self, time_constant: f64) -> f64 {
        match self {
            Self::Temperature(_) => (0.25 * time_constant).max(5.0),
            Self::Power(_) => 5.0,
        }
    }

    /// Whether an excess with this running mean is not coming down, by its mean over the last quarter of the patience. Power follows the
    /// work at once: it is always steady.
    fn steady(self, mean: f64, recent: f64) -> bool {
        match self {
            Self::Temperature(_) => recent >= mean - (0.1 * mean).max(0.5),
            Self::Power(_) => true,
        }
    }
}

/// The samples of one GPU, as excess over the cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Watched {
    /// When the first and the last value used were taken.
    taken: Option<(SimTime, SimTime)>,
    /// The last excess (K or W).
    excess: f64,
    /// Its running mean over the patience.
    mean: f64,
    /// And over a quarter of it: below the mean while the excess falls.
    recent: f64,
    /// Since when the price has been the largest allowed.
    at_limit_since: Option<SimTime>,
}

/// Every GPU's samples against a cap: which are new, and whether routing can still do something.
///
/// A sample counts once, when it first shows. Means run over the patience, and only GPUs that hold experts count. Infeasible is:
///
/// - for a power: the GPUs together draw more than their caps together. Moving work between them only moves the excess;
/// - for a temperature: every GPU is above the cap, and together they are not coming down (the mean over a quarter of the patience is less than half
///   a kelvin, or a tenth of the excess, below that over the whole);
/// - for both: a GPU is above the cap and not coming down although its price has been the largest allowed for that long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CapWatch {
    cap: Cap,
    patience: f64,
    /// Whether readings are running means over a quarter of the patience.
    smooth: bool,
    gpus: Vec<Watched>,
    infeasible: bool,
}

/// A sample that was not seen before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    /// Excess over the cap (K or W), smoothed where that was asked for.
    pub(crate) excess: f64,
    /// What it was before; `None` at the first.
    pub(crate) before: Option<f64>,
    /// Time since then (s); 0 at the first.
    pub(crate) seconds: f64,
}

impl CapWatch {
    /// A watch with this patience (s).
    pub(crate) fn new(cap: Cap, patience: f64) -> Self {
        Self { cap, patience, smooth: false, gpus: Vec::new(), infeasible: false }
    }

    /// This watch with snapshots of power smoothed, for controllers that are not averages themselves: clipping a price would make a bias of
    /// the noise.
    pub(crate) fn smoothing_power(self) -> Self {
        Self { smooth: matches!(self.cap, Cap::Power(_)), ..self }
    }

    /// Makes room for `gpus` GPUs.
    pub(crate) fn resize(&mut self, gpus: usize) {
        self.gpus.resize(gpus, Watched::default());
    }

    /// Refuses a saved state whose parts are for different numbers of GPUs.
    pub(crate) fn require_gpus(&self, found: usize) -> Result<(), RouterError> {
        if found == self.gpus.len() {
            return Ok(());
        }
        Err(RouterError::State(format!("it has {found} prices for {} GPUs", self.gpus.len())))
    }

    /// The sample of `gpu`, if it is new and measured.
    pub(crate) fn read(&mut self, gpu: usize, sample: &Sample) -> Option<Reading> {
        let watched = &mut self.gpus[gpu];
        let excess = self.cap.excess(sample).filter(|excess| excess.is_finite())?;
        let at = sample.taken_at;
        let Some((first, last)) = watched.taken else {
            *watched = Watched { taken: Some((at, at)), excess, mean: excess, recent: excess, at_limit_since: None };
            return Some(Reading { excess, before: None, seconds: 0.0 });
        };
        if at <= last {
            return None;
        }
        let seconds = (at - last).seconds();
        let before = if self.smooth { watched.recent } else { watched.excess };
        // A plain mean over time until the patience is filled, so that the first sample has no more weight than others, then a running one.
        let elapsed = (at - first).seconds();
        let share = |over: f64| (-libm::expm1(-seconds / over)).max(seconds / elapsed);
        watched.mean += share(self.patience) * (excess - watched.mean);
        watched.recent += share(0.25 * self.patience) * (excess - watched.recent);
        watched.excess = excess;
        watched.taken = Some((first, at));
        let excess = if self.smooth { watched.recent } else { excess };
        Some(Reading { excess, before: Some(before), seconds })
    }

    /// Notes whether the price of `gpu` is the largest allowed.
    pub(crate) fn at_limit(&mut self, gpu: usize, at_limit: bool) {
        let watched = &mut self.gpus[gpu];
        let now = watched.taken.map(|(_, last)| last);
        watched.at_limit_since = if at_limit { watched.at_limit_since.or(now) } else { None };
    }

    /// Looks at all GPUs that hold experts, after new samples. Returns the part of their prices that controllers keep, `seconds` after the last
    /// look: while all GPUs together draw too much, prices buy nothing and follow the noise of snapshots, so they fade over the patience.
    pub(crate) fn judge(&mut self, holds: &[bool], seconds: f64) -> f64 {
        let patience = SimDuration::from_seconds(self.patience).unwrap_or_default();
        let (mut number, mut known, mut above, mut stuck) = (0_u32, 0_u32, 0_u32, false);
        let (mut mean, mut recent) = (0.0, 0.0);
        for (watched, _) in self.gpus.iter().zip(holds).filter(|(_, holds)| **holds) {
            number += 1;
            let Some((first, last)) = watched.taken else { continue };
            let since = |since: SimTime| last.saturating_since(since) >= patience;
            known += u32::from(since(first));
            let is_above = watched.mean > 0.0 && watched.recent > 0.0;
            above += u32::from(is_above);
            let steady = self.cap.steady(watched.mean, watched.recent);
            stuck |= is_above && steady && watched.at_limit_since.is_some_and(since);
            mean += watched.mean;
            recent += watched.recent;
        }
        if number == 0 || known < number {
            self.infeasible = false;
            return 1.0;
        }
        (mean, recent) = (mean / f64::from(number), recent / f64::from(number));
        let too_much = match self.cap {
            Cap::Power(_) => mean > 0.0 && recent > 0.0,
            Cap::Temperature(_) => above == number && self.cap.steady(mean, recent),
        };
        self.infeasible = too_much || stuck;
        match self.cap {
            Cap::Power(_) if too_much => libm::exp(-seconds / self.patience),
            _ => 1.0,
        }
    }

    pub(crate) fn feasibility(&self) -> Feasibility {
        if self.infeasible { Feasibility::Infeasible } else { Feasibility::Feasible }
    }
}

/// The smallest price of a GPU that holds an expert; 0 where none does.
pub(crate) fn least_held(prices: impl Iterator<Item = f64>, holds: &[bool]) -> f64 {
    let held = prices.zip(holds).filter(|(_, holds)| **holds).map(|(price, _)| price);
    held.reduce(f64::min).unwrap_or(0.0)
}

/// Which GPUs hold an expert.
pub(crate) fn holders(view: &ClusterView<'_>, gpus: usize, holds: &mut Vec<bool>) {
    holds.clear();
    holds.resize(gpus, false);
    for (_, gpu) in view.placement.iter().flat_map(|placement| placement.iter()) {
        if let Some(holds) = holds.get_mut(gpu.index()) {
            *holds = true;
        }
    }
}
