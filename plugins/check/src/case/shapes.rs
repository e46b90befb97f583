//! Cases of unusual sizes and numbers.

use std::fmt;

use isotherm_plugin_abi as abi;

use crate::actor::{Actor, play};
use crate::finding::{Checked, Finding};
use crate::scene::{Logits, Scene, Served, Shared};
use crate::subject::{Opened, Subject};

/// An instance for a scene that a plugin may refuse, if it says why.
pub(super) fn admitted(opened: &Opened, scene: &Scene, what: impl fmt::Display) -> Checked<Box<dyn Actor>> {
    opened.actor(scene).map_err(|finding| match finding {
        Finding::Refused(refused) if refused.status != abi::PANIC && !refused.said.trim().is_empty() => {
            Finding::NotApplicable(format!("refuses {what}: {}", refused.said))
        }
        other => other,
    })
}

fn works(subject: &Subject, scene: &Scene, steps: u32, what: &str) -> Checked {
    play(&mut *admitted(&subject.open()?, scene, what)?, 0, steps).map(drop).map_err(|f| f.while_in(what))
}

pub(super) fn no_tokens(subject: &Subject) -> Checked {
    works(subject, &Scene::of(subject.seed, 0, 16, 2), 3, "no tokens")
}

pub(super) fn one_expert(subject: &Subject) -> Checked {
    works(subject, &Scene::of(subject.seed, 16, 1, 1), 4, "one expert")
}

pub(super) fn all_experts(subject: &Subject) -> Checked {
    works(subject, &Scene::of(subject.seed, 16, 16, 16), 4, "16 of 16 experts")?;
    works(subject, &Scene::of(subject.seed, 5, 3, 3), 4, "3 of 3 experts")
}

pub(super) fn many_experts(subject: &Subject) -> Checked {
    works(subject, &Scene::of(subject.seed, 24, 256, 8), 4, "256 experts")?;
    works(subject, &Scene { devices: 64, ..Scene::of(subject.seed, 4, 4096, 8) }, 3, "4096 experts")
}

pub(super) fn one_device(subject: &Subject) -> Checked {
    works(subject, &Scene { devices: 1, ..Scene::plain(subject.seed) }, 4, "one GPU")
}

pub(super) fn many_devices(subject: &Subject) -> Checked {
    works(subject, &Scene { devices: 1024, ..Scene::plain(subject.seed) }, 4, "1024 GPUs")
}

pub(super) fn extreme_logits(subject: &Subject) -> Checked {
    let kinds = [
        (Logits::Extreme, "the largest and smallest logits"),
        (Logits::Equal, "equal logits"),
        (Logits::Masked, "masked experts"),
    ];
    for (logits, what) in kinds {
        works(subject, &Scene { logits, ..Scene::plain(subject.seed) }, 8, what)?;
    }
    Ok(())
}

/// A router may refuse each of them; skipped where it refuses all.
pub(super) fn shared_options(subject: &Subject) -> Checked {
    let kinds =
        [(Shared::Floor, "a floor"), (Shared::Similarity, "similar experts"), (Shared::Penalised, "penalised weights")];
    let mut refused = Vec::new();
    for (shared, what) in kinds {
        match works(subject, &Scene { shared: Some(shared), ..Scene::plain(subject.seed) }, 8, what) {
            Err(Finding::NotApplicable(reason)) => refused.push(reason),
            other => other?,
        }
    }
    if refused.len() < kinds.len() { Ok(()) } else { Err(Finding::NotApplicable(refused.swap_remove(0))) }
}

pub(super) fn feedback(subject: &Subject) -> Checked {
    works(subject, &Scene { served: Served::Few, ..Scene::plain(subject.seed) }, 12, "experts without work")
}
