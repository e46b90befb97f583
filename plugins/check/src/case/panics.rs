//! The case about what follows a panic.

use isotherm_plugin_abi::{PANIC, STATE};

use crate::actor::play;
use crate::finding::{Checked, Finding, fault, status_name};
use crate::scene::{Logits, Scene};
use crate::subject::Subject;

/// A panic itself fails the cases it happens in; this one looks at what the plugin does afterwards.
pub(super) fn after_panic(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    for logits in [Logits::Normal, Logits::Extreme, Logits::Masked] {
        let scene = Scene { logits, ..Scene::plain(subject.seed) };
        let mut bystander = opened.actor(&scene)?;
        let mut actor = opened.actor(&scene)?;
        for step in 0..24 {
            if actor.step(step).is_err_and(|finding| finding.status() == Some(PANIC)) {
                let answer = actor.step(step + 1).map_err(|finding| finding.status());
                if answer != Err(Some(STATE)) {
                    let found = answer
                        .map_or_else(|status| status.map_or("a fault".to_owned(), status_name), |_| "OK".to_owned());
                    return fault(format!("after a panic the instance answers {found}, expected STATE"));
                }
                drop(actor);
                // Up to the step at which it would panic itself.
                play(&mut *bystander, 0, step).map_err(|f| f.while_in("another instance, after the panic"))?;
                let mut fresh = opened.actor(&scene).map_err(|f| f.while_in("a new instance, after the panic"))?;
                return play(&mut *fresh, 0, step).map(drop).map_err(|f| f.while_in("a new instance, after the panic"));
            }
        }
    }
    Err(Finding::NotApplicable("nothing made it panic".to_owned()))
}
