use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// Reading it takes 20 ns; work moves it on.
#[derive(Debug, Default)]
struct Simulated(AtomicU64);

const READING: u64 = 20;

impl Simulated {
    fn work(&self, nanos: u64) {
        self.0.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Clock for Simulated {
    fn nanos(&self) -> u64 {
        self.0.fetch_add(READING, Ordering::Relaxed)
    }
}

/// `number` events of kind 0, `short` ns each and half of it settling, with one of kind 1, `long` ns, after every `every`.
fn watch(number: u64, every: u64, short: impl Fn(u64) -> u64, long: u64) -> (Spent, u64) {
    let clock = Arc::new(Simulated::default());
    let mut profiler = Profiler::new(clock.clone(), &["short", "long"]);
    let before = clock.0.load(Ordering::Relaxed);
    for event in 0..number {
        profiler.event_begins(0);
        let nanos = short(event);
        clock.work(nanos / 2);
        let begun = profiler.section_begins();
        clock.work(nanos - nanos / 2);
        profiler.section_ends(Section::Settle, begun);
        profiler.event_ends();
        if event % every == 0 {
            profiler.event_begins(1);
            clock.work(long);
            profiler.event_ends();
        }
    }
    (profiler.spent(), clock.0.load(Ordering::Relaxed) - before)
}

#[test]
fn long_events_are_timed_to_the_nanosecond_and_short_ones_now_and_then() {
    let (spent, elapsed) = watch(100_000, 100, |_| 300, 50_000);
    let [short, long] = spent.kinds() else { panic!("two kinds") };
    assert_eq!((short.number, long.number), (100_000, 1000));
    assert!((short.seconds - 0.03).abs() < 1e-9, "{short:?}");
    assert!((short.sections[Section::Settle as usize].0 - 0.015).abs() < 1e-9, "{short:?}");
    assert!((short.sections[Section::Settle as usize].1 - 1e5).abs() < 1e-3, "{short:?}");
    assert!((long.seconds - 0.05).abs() < 1e-9 && long.other_seconds() == long.seconds, "{long:?}");
    let work = 100_000 * 300 + 1000 * 50_000;
    let overhead = (elapsed - work) as f64 / work as f64;
    assert!(overhead < 0.006, "reading the clock took {overhead}");
}

#[test]
fn a_pattern_in_the_events_of_a_kind_does_not_deceive() {
    // One of eight takes ten times as long, as the last GPU of a layer does.
    let (spent, _) = watch(400_000, 400_000, |event| if event % 8 == 7 { 3000 } else { 300 }, 1);
    let mean = 1e9 * spent.kinds()[0].seconds / 400_000.0;
    assert!((mean / 637.5 - 1.0).abs() < 0.05, "{mean}");
}

#[test]
fn spent_adds_up_over_runs() {
    let (one, _) = watch(1000, 10, |_| 400, 1000);
    let mut sum = Spent::default();
    sum.add(&one);
    assert_eq!(sum, one);
    sum.add(&one);
    assert_eq!(sum.kinds()[0].number, 2000);
    assert!((sum.seconds() - 2.0 * one.seconds()).abs() < 1e-15);
    assert!((sum.of_section(Section::Settle) - 2.0 * one.of_section(Section::Settle)).abs() < 1e-15);
    sum.scale(0.5);
    assert!((sum.seconds() - one.seconds()).abs() < 1e-15);
}

#[test]
fn a_clock_that_stands_still_divides_by_nothing() {
    #[derive(Debug)]
    struct Still;
    impl Clock for Still {
        fn nanos(&self) -> u64 {
            7
        }
    }
    let mut profiler = Profiler::new(Arc::new(Still), &["tick"]);
    for _ in 0..10 {
        profiler.event_begins(0);
        profiler.event_ends();
    }
    assert_eq!((profiler.spent().kinds()[0].number, profiler.spent().seconds()), (10, 0.0));
}
