//! Cases that ask twice: what an instance answers must follow from its options, its context and its calls, and from nothing else.

use crate::actor::play;
use crate::finding::{Checked, Finding, fault};
use crate::scene::Scene;
use crate::subject::{Opened, Subject};

const STEPS: u32 = 7;

fn alone(opened: &Opened, scene: &Scene) -> Checked<Vec<Vec<u8>>> {
    play(&mut *opened.actor(scene)?, 0, STEPS)
}

/// Where two series of answers part.
fn same(what: &str, one: &[Vec<u8>], other: &[Vec<u8>]) -> Checked {
    match one.iter().zip(other).position(|(a, b)| a != b) {
        Some(step) => fault(format!("{what}: answers differ from step {step} on")),
        None => Ok(()),
    }
}

/// Answers with two instances here; the digest is compared with that of another process, whose heap is filled and whose clocks are a year ahead.
pub(super) fn repeatable(subject: &Subject) -> Checked<String> {
    let opened = subject.open()?;
    let scene = Scene::plain(subject.seed);
    let first = alone(&opened, &scene)?;
    for _ in 0..2 {
        same("two instances with the same options, context and calls", &first, &alone(&opened, &scene)?)?;
        // One call more, so that what goes round in a circle of any length does not come out the same by chance.
        play(&mut *opened.actor(&scene)?, 0, 1)?;
    }
    Ok(format!("{:016x}", digest(first.iter().flatten())))
}

/// FNV-1a, 64 bits.
fn digest<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Four scenes of one size, so that what leaks from one instance into another fits there.
fn scenes(subject: &Subject) -> Vec<Scene> {
    (0..4).map(|index| Scene::plain(subject.seed.wrapping_add(index))).collect()
}

pub(super) fn independent(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let scenes = scenes(subject);
    let expected = scenes.iter().map(|scene| alone(&opened, scene)).collect::<Checked<Vec<_>>>()?;
    let mut actors = scenes.iter().map(|scene| opened.actor(scene)).collect::<Checked<Vec<_>>>()?;
    let mut answers = vec![Vec::new(); actors.len()];
    for step in 0..STEPS {
        for (actor, answers) in actors.iter_mut().zip(&mut answers) {
            answers.extend(play(&mut **actor, step, 1)?);
        }
    }
    for (index, (expected, answers)) in expected.iter().zip(&answers).enumerate() {
        same(&format!("instance {index} alone and among others"), expected, answers)?;
    }
    Ok(())
}

pub(super) fn parallel(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let scenes = scenes(subject);
    let expected = scenes.iter().map(|scene| alone(&opened, scene)).collect::<Checked<Vec<_>>>()?;
    for _ in 0..8 {
        let answers: Vec<Checked<_>> = std::thread::scope(|threads| {
            let running: Vec<_> = scenes.iter().map(|scene| threads.spawn(|| alone(&opened, scene))).collect();
            let lost = || fault("a thread of the checker came to nothing");
            running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| lost())).collect()
        });
        for (index, (expected, answers)) in expected.iter().zip(answers).enumerate() {
            let answers = answers.map_err(|finding: Finding| finding.while_in("on four threads"))?;
            same(&format!("instance {index} by itself and on one of four threads"), expected, &answers)?;
        }
    }
    Ok(())
}
