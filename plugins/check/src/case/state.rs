//! Cases about what an instance remembers.

use isotherm_plugin_abi as abi;

use crate::actor::{Actor, play};
use crate::finding::{Checked, Finding, fault};
use crate::scene::Scene;
use crate::subject::{Opened, Subject};

/// Steps before an instance is saved, and steps after.
const BEFORE: u32 = 5;
const AFTER: u32 = 6;

pub(super) fn save_restore(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let scene = Scene::plain(subject.seed);
    let mut saved = opened.actor(&scene)?;
    play(&mut *saved, 0, BEFORE)?;
    let state = saved.save()?;
    let expected = play(&mut *saved, BEFORE, AFTER)?;
    goes_on(&opened, &scene, state.as_deref(), &expected)?;
    // One call more, so that what goes round in a circle of any length does not come out the same by chance.
    play(&mut *opened.actor(&scene)?, 0, 1)?;
    goes_on(&opened, &scene, state.as_deref(), &expected)
}

/// Whether a new instance answers as the saved one did after it was saved.
fn goes_on(opened: &Opened, scene: &Scene, state: Option<&[u8]>, expected: &[Vec<u8>]) -> Checked {
    let mut fresh = opened.actor(scene)?;
    let what = match state {
        Some(state) => {
            fresh.restore(state)?;
            "a restored instance answers otherwise than the one that was saved"
        }
        None => "has no `save`, but what it answers depends on the calls before",
    };
    for (step, expected) in (BEFORE..).zip(expected) {
        if play(&mut *fresh, step, 1)?[0] != *expected {
            return fault(format!("{what}, at step {step}"));
        }
    }
    Ok(())
}

pub(super) fn hostile_state(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let scene = Scene::plain(subject.seed);
    let mut saved = opened.actor(&scene)?;
    play(&mut *saved, 0, BEFORE)?;
    let Some(state) = saved.save()? else { return Err(Finding::NotApplicable("has no state".to_owned())) };
    for len in cuts(state.len()) {
        let mut fresh = opened.actor(&scene)?;
        match fresh.restore(&state[..len]) {
            Ok(()) => return fault(format!("accepts the first {len} of the {} bytes of a saved state", state.len())),
            Err(finding) => expected_refusal(finding)?,
        }
    }
    for garbage in garbage(&scene, &state) {
        survive(&opened, &scene, &garbage)?;
    }
    Ok(())
}

/// Lengths at which a state is cut off: all of a small one, those at both ends and some between of a large one.
fn cuts(len: usize) -> Vec<usize> {
    if len <= 64 {
        return (0..len).collect();
    }
    let between = (1..16).map(|part| len * part / 16);
    let mut cuts: Vec<usize> = (0..24).chain(between).chain(len - 16..len).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// A refusal that says why, by any status but PANIC.
fn expected_refusal(finding: Finding) -> Checked {
    match finding {
        Finding::Refused(refused) if refused.status != abi::PANIC && !refused.said.trim().is_empty() => Ok(()),
        other => Err(other.while_in("restoring what is no state")),
    }
}

/// Bytes that are no state: noise of several lengths, and a true state with single bits turned over.
fn garbage(scene: &Scene, state: &[u8]) -> Vec<Vec<u8>> {
    let mut stream = scene.stream(0, "garbage");
    let mut noise = |len: usize| -> Vec<u8> { (0..len).map(|_| stream.next_u64() as u8).collect() };
    let mut all =
        vec![noise(1), noise(state.len()), noise(state.len() * 2 + 7), noise(1 << 20), vec![0xff; state.len()]];
    for place in noise(16) {
        let mut turned = state.to_vec();
        let at = usize::from(place) * state.len() / 256;
        if let Some(byte) = turned.get_mut(at) {
            *byte ^= 1 << (place % 8);
            all.push(turned);
        }
    }
    all
}

/// Noise may happen to be a state. Then the instance goes on, and may fail, but not by a panic.
fn survive(opened: &Opened, scene: &Scene, garbage: &[u8]) -> Checked {
    let mut fresh: Box<dyn Actor> = opened.actor(scene)?;
    if let Err(finding) = fresh.restore(garbage) {
        return expected_refusal(finding);
    }
    for step in 0..3 {
        match fresh.step(step) {
            Err(Finding::Refused(refused)) if refused.status != abi::PANIC => return Ok(()),
            other => other.map_err(|finding| finding.while_in("after restoring noise"))?,
        };
    }
    Ok(())
}
