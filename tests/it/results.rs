//! What a results folder promises, whatever its size.

mod full_disk;
mod large;
#[cfg(target_os = "linux")]
mod memory;

/// A scenario of a blink: one batch, one layer, a router beside the baseline. `more` goes to the end.
fn tiny(more: &str) -> String {
    format!(
        "schema_version = 1
name = \"tiny\"
seeds = 1
model = {{ experts = 4, top_k = 1 }}
workload = {{ kind = \"gaussian\", sigma = 1.0 }}
arrivals = {{ kind = \"closed-loop\", batches = 1, tokens = 16 }}
costs = {{ kind = \"table\", hot = [3], cold_joules = 0.5, hot_joules = 2.0 }}
hardware = {{ gpus = 4 }}
telemetry = {{ kind = \"fixed\", temperatures = [\"0 degC\", \"0 degC\", \"0 degC\", \"70 degC\"] }}
router = [{{ kind = \"baseline\" }}, {{ kind = \"energy-penalty\", lambda = 0.5 }}]
{more}"
    )
}
