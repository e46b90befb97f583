//! Cases in which a plugin does its ordinary work in memory that notices, in hosts of different ages.

use super::shapes::admitted;
use crate::actor::play;
use crate::finding::{Checked, fault};
use crate::handed::Generation;
use crate::memory::Edge;
use crate::scene::Scene;
use crate::subject::Subject;

const STEPS: u32 = 8;

fn plays(subject: &Subject, scene: &Scene) -> Checked<Vec<Vec<u8>>> {
    play(&mut *subject.open()?.actor(scene)?, 0, STEPS)
}

pub(super) fn answers(subject: &Subject) -> Checked {
    plays(subject, &Scene::plain(subject.seed))?;
    // Sizes that fill no vector register.
    plays(subject, &Scene { devices: 3, ..Scene::of(subject.seed, 37, 11, 3) }).map(drop)
}

pub(super) fn bounds_after(subject: &Subject) -> Checked {
    plays(subject, &Scene { edge: Edge::End, ..Scene::plain(subject.seed) }).map(drop)
}

pub(super) fn bounds_before(subject: &Subject) -> Checked {
    plays(subject, &Scene { edge: Edge::Start, ..Scene::plain(subject.seed) }).map(drop)
}

/// Inputs are read-only in every case; here two instances take turns, so that what one keeps of a call is gone when it comes back.
pub(super) fn read_only(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let mut one = opened.actor(&Scene::plain(subject.seed))?;
    let mut other = opened.actor(&Scene::of(subject.seed, 8, 16, 4))?;
    for step in 0..STEPS {
        play(&mut *one, step, 1)?;
        play(&mut *other, step, 1)?;
    }
    Ok(())
}

pub(super) fn older_host(subject: &Subject) -> Checked {
    plays(subject, &Scene { generation: Generation::First, ..Scene::plain(subject.seed) }).map(drop)
}

pub(super) fn newer_host(subject: &Subject) -> Checked {
    let scene = Scene::plain(subject.seed);
    let here = plays(subject, &scene)?;
    if plays(subject, &Scene { generation: Generation::Later, ..scene })? != here {
        return fault("answers otherwise in a host of a later interface");
    }
    Ok(())
}

pub(super) fn little_known(subject: &Subject) -> Checked {
    let scene = Scene { known: false, ..Scene::plain(subject.seed) };
    play(&mut *admitted(&subject.open()?, &scene, "a host that knows nothing of the hardware")?, 0, STEPS).map(drop)
}
