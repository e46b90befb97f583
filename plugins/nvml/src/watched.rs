//! One device under watch: what is asked of it, what it said last, and when a lost one is tried again.

use isotherm_recording::{Entry, Missing, Reading, Signal, Standing};
use nvml_wrapper::Device;

use crate::answer::{self, Fault};
use crate::back_off::BackOff;
use crate::border::{self, Field, MOST_FIELDS};
use crate::call::{CALLS, Call, FIELDS, field};
use crate::effort::{Effort, Often};

/// Whether a device can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// It is attached.
    Attached,
    /// It does not answer; tried again.
    Lost(BackOff),
    /// This user may not even attach it.
    Barred,
}

/// One device under watch.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) link: Link,
    index: u32,
    /// Which fields are still asked for: what the device does not give is found out once after it was attached.
    fields: [bool; FIELDS.len()],
    /// Which calls are still made.
    calls: [bool; CALLS.len()],
    /// Every entry that is not asked for any more, with the reason.
    refused: [Entry; Signal::COUNT],
    /// Whether it was attached since the last reading, so that everything is to be asked.
    is_fresh: bool,
    /// When what is asked for so often is due again, in the order of [`Often::ALL`].
    due: [i64; Often::COUNT],
    last: Reading,
    /// The attempt after this one, while no reading has come through: attaching alone proves nothing.
    retry: Option<BackOff>,
    /// The counters' last values, also from before the device was lost.
    counters: [Option<i64>; Signal::COUNT],
}

impl Watched {
    /// A device that has just been attached, or not.
    pub(crate) fn new(index: u32, link: Link) -> Self {
        Self {
            link,
            index,
            fields: [true; FIELDS.len()],
            calls: [true; CALLS.len()],
            refused: [Entry::default(); Signal::COUNT],
            is_fresh: true,
            due: [i64::MIN; Often::COUNT],
            last: Reading { device: index, ..Reading::default() },
            retry: None,
            counters: [None; Signal::COUNT],
        }
    }

    /// Begins anew after the device has come back: another driver may give other signals.
    pub(crate) fn attached(&mut self) {
        let retry = if let Link::Lost(tried) = self.link { Some(tried) } else { None };
        *self = Self { retry, counters: self.counters, ..Self::new(self.index, Link::Attached) };
    }

    /// Reads all that is asked of it. `device` is none where it is not attached.
    pub(crate) fn read(&mut self, device: Option<&Device<'_>>, effort: Effort, clock: &dyn Fn() -> i64) -> Reading {
        let mut reading = Reading { device: self.index, begun: clock(), entries: self.refused, ..Reading::default() };
        let answered = match device.filter(|_| self.link == Link::Attached) {
            Some(device) => self.ask(device, effort, &mut reading),
            None => Err(Gone),
        };
        reading.ended = clock();
        match (answered, self.link) {
            (Ok(()), _) => self.settle(&mut reading),
            (Err(Gone), Link::Barred) => reading.entries = [Entry::Missing(Missing::NoPermission); Signal::COUNT],
            (Err(Gone), link) => {
                if link == Link::Attached {
                    let now = reading.ended;
                    self.link = Link::Lost(self.retry.map_or(BackOff::since(now), |tried| tried.again(now)));
                }
                reading.standing = Standing::Lost;
                reading.entries = [Entry::Missing(Missing::Lost); Signal::COUNT];
            }
        }
        self.last.clone_from(&reading);
        reading
    }

    fn ask(&mut self, device: &Device<'_>, effort: Effort, reading: &mut Reading) -> Result<(), Gone> {
        let has_come: [bool; Often::COUNT] =
            std::array::from_fn(|place| self.is_fresh || Often::ALL[place].is_due(self.due[place], reading.begun));
        let is_due = |signal, often: Often| has_come[often as usize] || effort.is_always(signal);
        self.ask_fields(device, &is_due, reading)?;
        for (place, call) in CALLS.iter().enumerate() {
            let first = call.signals[0];
            if !self.calls[place] || reading.value(first).is_some() {
                continue;
            }
            if is_due(first, call.often) {
                make(call, device, reading)?;
            } else {
                call.signals.iter().for_each(|signal| reading.set(*signal, self.last.get(*signal)));
            }
        }
        for often in Often::ALL.into_iter().filter(|often| has_come[*often as usize]) {
            let due = &mut self.due[often as usize];
            *due = often.next(*due, reading.begun);
        }
        if self.is_fresh {
            self.learn(reading);
        }
        Ok(())
    }

    fn ask_fields(
        &mut self,
        device: &Device<'_>,
        is_due: &dyn Fn(Signal, Often) -> bool,
        reading: &mut Reading,
    ) -> Result<(), Gone> {
        let mut fields = [Field::default(); MOST_FIELDS];
        let mut signals = [Signal::Power; MOST_FIELDS];
        let mut count = 0;
        for (asked, _) in FIELDS.iter().zip(self.fields).filter(|(_, is_given)| *is_given) {
            if is_due(asked.signal, asked.often) {
                (fields[count], signals[count]) = (field(asked.id, asked.scope), asked.signal);
                count += 1;
            } else {
                reading.set(asked.signal, self.last.get(asked.signal));
            }
        }
        if count == 0 {
            return Ok(());
        }
        let code = border::field_values(device, &mut fields[..count]);
        for (field, signal) in fields[..count].iter().zip(signals) {
            let value = if code == 0 { answer::quantity(field) } else { Err(Fault::of_code(code)) };
            reading.set(signal, entry(value, reading.begun)?);
        }
        if self.is_fresh {
            self.fields = std::array::from_fn(|place| !is_refused(reading.get(FIELDS[place].signal)));
        }
        Ok(())
    }

    /// Notes what the device does not give, so that it is not asked again: every call costs.
    fn learn(&mut self, reading: &Reading) {
        self.is_fresh = false;
        for (asked, call) in self.calls.iter_mut().zip(&CALLS) {
            *asked = !call.signals.iter().all(|signal| is_refused(reading.get(*signal)));
        }
        for (refused, signal) in self.refused.iter_mut().zip(Signal::ALL) {
            if is_refused(reading.get(signal)) {
                *refused = reading.get(signal);
            }
        }
    }

    /// Compares with the readings before: counters only grow, and a value is as old as it has been the same.
    fn settle(&mut self, reading: &mut Reading) {
        self.retry = None;
        for (signal, counter) in Signal::ALL.into_iter().zip(&mut self.counters) {
            if let Some(value) = reading.value(signal).filter(|_| signal.is_counter()) {
                if counter.is_some_and(|before| value < before) {
                    reading.standing = Standing::Reset;
                }
                *counter = Some(value);
            }
        }
        if reading.standing == Standing::Present {
            reading.age_from(&self.last);
        } else {
            self.forget(reading);
        }
    }

    /// After a reset, what was asked for before it says nothing: all is asked for at the next poll.
    fn forget(&mut self, reading: &mut Reading) {
        self.due = [i64::MIN; Often::COUNT];
        for (entry, counter) in reading.entries.iter_mut().zip(&mut self.counters) {
            if matches!(entry, Entry::Value { changed, .. } if *changed < reading.begun) {
                *entry = Entry::default();
                *counter = None;
            }
        }
    }
}

/// The device does not answer any more.
struct Gone;

fn make(call: &Call, device: &Device<'_>, reading: &mut Reading) -> Result<(), Gone> {
    let answer = (call.make)(device);
    for (place, signal) in call.signals.iter().enumerate() {
        let value = answer.and_then(|values| values[place].ok_or(Fault::Missing(Missing::Invalid)));
        reading.set(*signal, entry(value, reading.begun)?);
    }
    Ok(())
}

/// Whether asking again is in vain.
const fn is_refused(entry: Entry) -> bool {
    matches!(entry, Entry::Missing(Missing::Unsupported | Missing::NoPermission))
}

fn entry(value: Result<i64, Fault>, changed: i64) -> Result<Entry, Gone> {
    match value {
        Ok(value) => Ok(Entry::Value { value, changed }),
        Err(Fault::Missing(missing)) => Ok(Entry::Missing(missing)),
        Err(Fault::Gone) => Err(Gone),
    }
}
