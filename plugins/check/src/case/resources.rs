//! Cases about what a plugin leaves behind: memory, threads, the state of the processor.

#![expect(unsafe_code, reason = "the system's loader")]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use isotherm_plugin_host::FloatControl;

use crate::actor::play;
use crate::finding::{Checked, Finding, fault};
use crate::memory::heap::{fence, live_bytes};
use crate::scene::{Logits, Scene};
use crate::subject::{Opened, Subject};

/// An instance from its creation to its end, saved and restored on the way.
fn life(opened: &Opened, scene: &Scene) -> Checked {
    let mut actor = opened.actor(scene)?;
    play(&mut *actor, 0, 3)?;
    if let Some(state) = actor.save()? {
        let mut other = opened.actor(scene)?;
        other.restore(&state)?;
        play(&mut *other, 3, 1)?;
    }
    Ok(())
}

pub(super) fn leak_per_instance(subject: &Subject) -> Checked {
    /// What is set up once is set up by then.
    const WARM: i64 = 40;
    const CYCLES: i64 = 100;
    let opened = subject.open()?;
    opened.watch_heap()?;
    let scene = Scene::plain(subject.seed);
    (0..WARM).try_for_each(|_| life(&opened, &scene))?;
    let before = live_bytes();
    (0..CYCLES).try_for_each(|_| life(&opened, &scene))?;
    grown("from create to destroy", live_bytes() - before, CYCLES)
}

pub(super) fn leak_per_call(subject: &Subject) -> Checked {
    /// Long enough for what grows up to a limit.
    const WARM: u32 = 400;
    const CALLS: u32 = 500;
    let opened = subject.open()?;
    opened.watch_heap()?;
    let mut actor = opened.actor(&Scene::plain(subject.seed))?;
    play(&mut *actor, 0, WARM)?;
    let before = live_bytes();
    play(&mut *actor, WARM, CALLS)?;
    grown("a step", live_bytes() - before, i64::from(CALLS))
}

fn grown(what: &str, bytes: i64, times: i64) -> Checked {
    if bytes < times {
        return Ok(());
    }
    fault(format!("leaks {} bytes {what} ({bytes} in {times})", bytes / times))
}

pub(super) fn freed_memory(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    opened.watch_heap()?;
    fence();
    let scene = Scene::plain(subject.seed);
    life(&opened, &scene)?;
    let mut first = opened.actor(&scene)?;
    let mut second = opened.actor(&Scene { logits: Logits::Masked, ..scene })?;
    play(&mut *first, 0, 3)?;
    play(&mut *second, 0, 3)?;
    drop(first);
    play(&mut *second, 3, 3)?;
    let mut third = opened.actor(&scene)?;
    drop(second);
    play(&mut *third, 0, 3)?;
    if let Some(state) = third.save()? {
        // What a refused restore leaves behind is looked at by the calls after it.
        let cut = third.restore(&state[..state.len() / 2]);
        if cut.is_err() {
            third.restore(&state)?;
            play(&mut *third, 3, 2)?;
        }
    }
    Ok(())
}

pub(super) fn stray_threads(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let threads = || std::fs::read_dir("/proc/self/task").map(Iterator::count);
    let Ok(before) = threads() else {
        return Err(Finding::NotApplicable("this system does not list threads in /proc".to_owned()));
    };
    let scene = Scene::plain(subject.seed);
    (0..3).try_for_each(|_| life(&opened, &scene))?;
    // A thread that has been joined may stay on the list for a moment.
    let patience = Instant::now() + Duration::from_secs(5);
    loop {
        let left = threads().unwrap_or(before).saturating_sub(before);
        if left == 0 {
            return Ok(());
        }
        if Instant::now() > patience {
            return fault(format!("{left} threads are left after all instances were destroyed"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(super) fn floating_point(subject: &Subject) -> Checked {
    let before = FloatControl::read();
    let unchanged = |what: &str| {
        if before.restore() {
            return fault(format!(
                "{what} changed how this thread computes with floating-point numbers (rounding, subnormals)"
            ));
        }
        Ok(())
    };
    let path = CString::new(subject.file.as_os_str().as_bytes()).unwrap_or_default();
    // SAFETY: runs the library's constructors, as opening it does anyway; it is never closed.
    unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    unchanged("loading it")?;
    let opened = subject.open()?;
    // `open` has put the control word back; the entry function shows itself when it is called again.
    // SAFETY: the host lives as long as the process.
    unsafe { (opened.library.entry())(opened.library.host()) };
    unchanged("its entry function")?;
    let scene = Scene::plain(subject.seed);
    if opened.configures() {
        opened.configure(&opened.options, &scene)?;
        unchanged("`configure`")?;
    }
    let mut actor = opened.actor(&scene)?;
    unchanged("`create`")?;
    for logits in [Logits::Normal, Logits::Extreme] {
        let mut actor = opened.actor(&Scene { logits, ..scene })?;
        play(&mut *actor, 0, 3)?;
        unchanged("a step")?;
    }
    if let Some(state) = actor.save()? {
        unchanged("`save`")?;
        actor.restore(&state)?;
        unchanged("`restore`")?;
    }
    drop(actor);
    unchanged("`destroy`")
}
