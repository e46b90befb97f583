//! What `series.parquet` says of every GPU at every batch adds up to what the run says of all of them.

use isotherm_core::record::{BatchRecord, RunRecord};
use isotherm_core::time::SimTime;

use crate::lab::{from_text, run, small, small_device};

const ROUTERS: &str = "
[[router]]
kind = \"baseline\"
[[router]]
kind = \"energy-penalty\"
lambda = 0.5
";

fn records(text: &str) -> Vec<RunRecord> {
    run(&from_text(text)).finished.into_iter().map(|finished| finished.outcome.unwrap()).collect()
}

fn with_layers(text: &str) -> String {
    text.replace("top_k = 2 }", "top_k = 2, layers = 3 }")
}

/// Every batch with the end of the one before it: the time that its mean power is of.
fn spans(record: &RunRecord) -> impl Iterator<Item = (f64, &BatchRecord)> {
    let before = std::iter::once(SimTime::ZERO).chain(record.batches.iter().map(|batch| batch.finished));
    before.zip(&record.batches).map(|(before, batch)| ((batch.finished - before).seconds(), batch))
}

#[test]
fn power_times_time_is_the_energy_of_the_gpus() {
    let waiting =
        small(ROUTERS).replace("\"closed-loop\", batches = 12,", "\"poisson\", rate_per_s = 2.0, batches = 12,");
    assert!(waiting.contains("poisson"));
    for text in [
        small(ROUTERS),
        waiting,
        with_layers(&small(ROUTERS)),
        small_device(ROUTERS),
        with_layers(&small_device(ROUTERS)),
    ] {
        for record in records(&text) {
            let joules: f64 = spans(&record)
                .map(|(seconds, batch)| seconds * batch.gpus.power_w.iter().map(|watts| f64::from(*watts)).sum::<f64>())
                .sum();
            let all = record.gpu_joules;
            assert!(all > 0.0 && (joules - all).abs() < 1e-6 * all, "{joules} J of {all} J in\n{text}");
        }
    }
}

/// The slowest GPU ends a layer, and no GPU works longer than there is time.
#[test]
fn the_busiest_gpu_works_as_long_as_the_batch_takes() {
    for text in [small(ROUTERS), small_device(ROUTERS)] {
        for record in records(&text) {
            for batch in &record.batches {
                let busiest = f64::from(batch.gpus.busy_s.iter().copied().fold(0.0, f32::max));
                let took = (batch.finished - batch.started).seconds();
                assert!(took > 0.0 && (busiest - took).abs() < 1e-6 * took + 2e-9, "{busiest} s of {took} s");
            }
        }
    }
    for text in [with_layers(&small(ROUTERS)), with_layers(&small_device(ROUTERS))] {
        for batch in records(&text).iter().flat_map(|record| &record.batches) {
            let took = (batch.finished - batch.started).seconds();
            let works = |busy: &f32| *busy > 0.0 && f64::from(*busy) <= took * (1.0 + 1e-6);
            assert!(batch.gpus.busy_s.iter().all(works), "{:?} s of {took} s", batch.gpus.busy_s);
        }
    }
}

#[test]
fn clocks_and_memory_are_there_where_they_are_modelled() {
    for record in records(&small(ROUTERS)) {
        assert!(record.batches.iter().all(|batch| batch.gpus.clock_mhz.is_empty()));
    }
    for record in records(&small_device(ROUTERS)) {
        let peak = record.memory_peak_temperature.unwrap() + 1e-4;
        for batch in &record.batches {
            assert_eq!(batch.gpus.clock_mhz.len(), 2);
            assert!(batch.gpus.clock_mhz.iter().all(|mhz| *mhz > 0.0));
            let memory = &batch.gpus.memory_temperature_degc;
            assert!(memory.len() == 2 && memory.iter().all(|celsius| f64::from(*celsius) <= peak), "{memory:?}");
        }
        let clocks = record.batches.iter().flat_map(|batch| &batch.gpus.clock_mhz);
        assert!(clocks.clone().any(|mhz| Some(mhz) != clocks.clone().next()), "the cap has changed no clock");
    }
    let prescribed = small(ROUTERS)
        .replace(", profile = \"scenarios/hardware/h200-sxm.toml\", temperature_limit = \"60 degC\"", "")
        .replace(
            crate::lab::SENSOR,
            "{ kind = \"fixed\", temperatures = [\"40 degC\", \"41 degC\", \"42 degC\", \"43 degC\"] }",
        );
    for batch in records(&prescribed).iter().flat_map(|record| &record.batches) {
        assert_eq!((batch.temperatures.len(), batch.gpus.memory_temperature_degc.len()), (4, 0));
    }
}
