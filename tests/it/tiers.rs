//! The upper tiers: who may run in them, and that they keep the laws of every run.

use std::collections::BTreeMap;

use isotherm::execute::Comparison;
use isotherm::scenario_file::ScenarioFile;
use isotherm_core::router::RouterSpec;
use isotherm_core::tier::Tier;
use isotherm_routers::KINDS;

use crate::determinism::{ROUTERS, the_snapshot_law_holds_for};
use crate::lab::{from_text, isotherm, root, run, small, small_device, text};

const UPPER: [&str; 2] = ["counts", "mean-field"];

/// The scenario in another tier, with a sample that is quickly routed.
fn in_tier(scenario: &str, kind: &str) -> String {
    scenario.replacen("telemetry =", &format!("tier = {{ kind = \"{kind}\", sample = 512 }}\ntelemetry ="), 1)
}

/// The table of a kind, as a scenario writes it.
fn table_of(kind: &str) -> String {
    match kind {
        "prescribed" => "kind = \"prescribed\"\nusage = [9999, 9999, 9999, 9999, 9999, 9999, 9999, 9999]".to_owned(),
        _ => KINDS.iter().find(|known| known.name == kind).unwrap().example.to_owned(),
    }
}

fn refusal(scenario: &str) -> String {
    match ScenarioFile::from_text("test.toml", scenario, root(), &[]) {
        Ok(_) => panic!("not refused:\n{scenario}"),
        Err(fault) => fault.to_string(),
    }
}

/// Every router either runs in both upper tiers or is refused by name before anything runs, with the tiers it can serve.
#[test]
fn a_router_runs_in_the_upper_tiers_or_is_refused_by_name() {
    let mut served = 0;
    for kind in KINDS {
        let table = table_of(kind.name);
        let spec: Box<dyn RouterSpec> = toml::from_str(&table).unwrap();
        for tier in UPPER {
            let scenario = in_tier(&small(&format!("[[router]]\n{table}\n")), tier);
            if spec.tiers().serves(Tier::Counts) {
                let completed = run(&from_text(&scenario));
                assert!(completed.finished.iter().all(|f| f.outcome.is_ok()), "{}", kind.name);
                served += 1;
            } else {
                let refusal = refusal(&scenario);
                for word in [kind.name, tier, "token", "[[router]]"] {
                    assert!(refusal.contains(word), "{word} in {refusal}");
                }
            }
        }
    }
    assert_eq!(served, 2 * 10, "baseline and nine that are a price an expert");
}

#[test]
fn options_that_need_tokens_are_refused_too() {
    for options in ["capacity = 1.5", "nodes = { groups = 4, limit = 2 }"] {
        let refusal = refusal(&in_tier(&small(&format!("[[router]]\nkind = \"baseline\"\n{options}\n")), "counts"));
        assert!(refusal.contains("`baseline` cannot serve the tier `counts`"), "{refusal}");
    }
}

#[test]
fn what_the_section_cannot_mean_is_said() {
    let with = |section: &str| {
        let scenario = small("[[router]]\nkind = \"baseline\"\n");
        scenario.replacen("telemetry =", &format!("tier = {{ {section} }}\ntelemetry ="), 1)
    };
    for (section, words) in [
        ("kind = \"count\"", vec!["unknown tier kind", "counts"]),
        ("sample = 100", vec!["every token is routed"]),
        ("kind = \"counts\", sample = 0", vec!["0 tokens"]),
        ("kind = \"counts\", sequence = 32", vec!["only together"]),
        ("kind = \"counts\", correlation = 0.1", vec!["only together"]),
        ("kind = \"counts\", sequence = 32, correlation = 1.0", vec!["without 1"]),
        ("kind = \"mean-field\", sequence = 0, correlation = 0.5", vec!["no tokens"]),
        ("kind = \"counts\", samples = 10", vec!["samples", "sample"]),
    ] {
        let refusal = refusal(&with(section));
        for word in words {
            assert!(refusal.contains(word), "{word} in {refusal}");
        }
    }
}

/// INV-6, threads: files do not depend on them.
#[test]
fn one_two_and_eight_threads_write_the_same_bytes() {
    for tier in UPPER {
        let folder = tempfile::tempdir().unwrap();
        let profile = format!("profile = \"{}/tests/", root().display());
        let scenario = in_tier(&small_device(ROUTERS), tier).replace("profile = \"tests/", &profile);
        std::fs::write(folder.path().join("small.toml"), scenario).unwrap();
        let mut seen = Vec::new();
        for threads in ["1", "2", "8"] {
            let out = format!("out-{threads}");
            let output = isotherm(folder.path(), &["run", "small.toml", "--threads", threads, "--out", &out]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let read = |name: &str| std::fs::read(folder.path().join(&out).join(name)).unwrap();
            seen.push(["runs.parquet", "series.parquet", "summary.json"].map(read));
        }
        assert!(seen[0] == seen[1] && seen[0] == seen[2], "{tier}");
    }
}

/// Where a router is built without a profile.
const MPC: &str = "mpc-share\"\ncap = \"40 degC\"\nresistance = \"0.05 K/W\"\ntime_constant = \"10 s\"\nambient = \"35 degC\"\nidle = \"80 W\"";

/// INV-6, saves: what stands for the tokens is part of no saved state, and a restored run ends the same.
#[test]
fn saved_and_restored_at_every_event_a_run_ends_the_same() {
    for tier in UPPER {
        let two_layers = |text: String| text.replace("top_k = 2 }", "top_k = 2, layers = 2 }");
        for router in ["ttt\"\nlambda = 0.5", "thompson\"\nlambda = 0.5", MPC] {
            let table = small(&format!("[[router]]\nkind = \"{router}\n"));
            the_snapshot_law_holds_for(&in_tier(&two_layers(table), tier));
        }
        let sequences = "sample = 512, sequence = 32, correlation = 0.2";
        let table = in_tier(&small("[[router]]\nkind = \"baseline\"\n"), tier).replace("sample = 512", sequences);
        the_snapshot_law_holds_for(&table);
    }
}

/// Of every batch all assignments arrive, and a run's books are balanced as ever.
#[test]
fn every_token_is_served_k_times() {
    for tier in UPPER {
        for text in [small(ROUTERS), small_device(ROUTERS)] {
            let completed = run(&from_text(&in_tier(&text, tier)));
            for finished in completed.finished {
                let record = finished.outcome.unwrap();
                for batch in &record.batches {
                    assert_eq!(batch.assignments(), 2 * u64::from(batch.tokens));
                    assert!(batch.usage.iter().all(|n| *n <= batch.tokens));
                }
                let sent: u64 = record.batches.iter().map(|batch| batch.assignments()).sum();
                assert_eq!(record.sent_assignments, sent);
                let (drawn, kept) = (record.gpu_joules, record.stored_joules + record.removed_joules);
                assert!((drawn - kept).abs() < 1e-6 * drawn, "{drawn} J in, {kept} J out");
                assert!(record.frontier.is_none(), "there are no tokens to have a frontier");
            }
        }
    }
}

/// All routers of a comparison meet the same random numbers: one whose price is zero serves what the baseline serves.
#[test]
fn a_price_of_zero_serves_what_the_baseline_serves() {
    for tier in UPPER {
        let routers = "[[router]]\nkind = \"baseline\"\n[[router]]\nkind = \"energy-penalty\"\nlambda = 0.0\n\
            [[router]]\nkind = \"ttt\"\nlambda = 0.0\n";
        let file = from_text(&in_tier(&small(routers), tier));
        let completed = run(&file);
        let usage = |seed: u64, variant: usize| -> Vec<Vec<u32>> {
            let of = |f: &&isotherm::results::Finished| f.run.seed == seed && f.run.variant == variant;
            let record = completed.finished.iter().find(of).unwrap().outcome.clone().unwrap();
            record.batches.into_iter().map(|batch| batch.usage).collect()
        };
        for seed in 0..2 {
            assert_eq!(usage(seed, 0), usage(seed, 1), "{tier}");
            assert_eq!(usage(seed, 0), usage(seed, 2), "{tier}");
        }
        assert_ne!(usage(0, 0), usage(1, 0), "seeds differ");
    }
}

/// A corpus that takes over in the middle of a run is another law from that batch on.
#[test]
fn a_change_of_corpus_changes_the_law() {
    let folder = tempfile::tempdir().unwrap();
    for (name, picks) in [("a.json", "[6, 1, 1, 1, 1, 1, 1, 1]"), ("b.json", "[1, 1, 1, 1, 1, 1, 1, 6]")] {
        std::fs::write(folder.path().join(name), picks).unwrap();
    }
    for tier in UPPER {
        let workload = format!(
            "workload = {{ kind = \"counts\", file = \"{0}/a.json\", switch = [{{ at_batch = 6, file = \"{0}/b.json\" }}] }}",
            folder.path().display()
        );
        let scenario = in_tier(&small("[[router]]\nkind = \"baseline\"\n"), tier)
            .replace("workload = { kind = \"gaussian\", sigma = 1.0 }", &workload)
            .replace("tokens = 96", "tokens = 3000");
        let completed = run(&from_text(&scenario));
        let record = completed.finished[0].outcome.as_ref().unwrap();
        for (index, batch) in record.batches.iter().enumerate() {
            let favourite = if index < 6 { 0 } else { 7 };
            for (expert, count) in batch.usage.iter().enumerate() {
                let q = 2.0 * if expert == favourite { 6.0 } else { 1.0 } / 13.0;
                let off = f64::from(*count) - 3000.0 * q;
                assert!(
                    off.abs() < 5.0 * f64::sqrt(3000.0 * q * (1.0 - q)),
                    "{tier}, batch {index}: {count} at {expert}"
                );
            }
        }
    }
}

/// Results say which tier made them; what nobody asked for is not said.
#[test]
fn results_name_their_tier() {
    for tier in UPPER {
        let scenario = small("[[router]]\nkind = \"baseline\"\n");
        let of = |text: &str| -> BTreeMap<String, Vec<String>> {
            let completed = Comparison::prepare(&from_text(text)).unwrap().run_all().unwrap();
            completed.summary.rows.into_iter().map(|row| (row.router, row.warnings)).collect()
        };
        let warning = format!("tier {tier}:");
        assert!(of(&in_tier(&scenario, tier))["baseline"].iter().any(|text| text.starts_with(&warning)));
        assert!(of(&scenario)["baseline"].iter().all(|text| !text.starts_with("tier")));
    }
}

/// The tier can be an axis of a sweep; a run in the tier `token` is the one it is without the section.
#[test]
fn tiers_can_be_compared_in_one_sweep() {
    let scenario = small("[[router]]\nkind = \"baseline\"\n");
    let swept = format!("{scenario}\n[sweep]\n\"tier.kind\" = [\"token\", \"counts\", \"mean-field\"]\n");
    let (plain, swept) = (run(&from_text(&scenario)), run(&from_text(&swept)));
    assert_eq!(swept.finished.len(), 3 * plain.finished.len());
    for (alone, together) in plain.finished.iter().zip(&swept.finished) {
        assert_eq!((&alone.run.id, &alone.outcome), (&together.run.id, &together.outcome));
    }
    let energies: Vec<f64> = (swept.finished.iter()).map(|f| f.outcome.as_ref().unwrap().gpu_joules).collect();
    assert!(energies[2] != energies[0] && energies[4] != energies[2]);
    // On other tokens there is nothing to measure against.
    let first_point = format!(
        "{scenario}\n[compare]\nbaseline = \"first-point\"\n[sweep]\n\"tier.kind\" = [\"token\", \"counts\"]\n"
    );
    let refused = Comparison::prepare(&from_text(&first_point)).err().unwrap().to_string();
    assert!(refused.contains("tier.kind = counts"), "{refused}");
}

/// The list tells programs which tiers a router serves.
#[test]
fn the_list_tells_the_tiers() {
    let (code, json, _) = text(&isotherm(root(), &["list", "routers", "--json"]));
    assert_eq!(code, 0);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    for router in value["routers"].as_array().unwrap() {
        let spec: Box<dyn RouterSpec> = toml::from_str(router["example"].as_str().unwrap()).unwrap();
        let tiers: Vec<&str> =
            Tier::ALL.into_iter().filter(|tier| spec.tiers().serves(*tier)).map(Tier::name).collect();
        assert_eq!(router["tiers"], serde_json::json!(tiers), "{router}");
    }
}

/// docs/ROUTERS.md says of every kind what the program says.
#[test]
fn the_page_on_routers_tells_the_tiers() {
    let page = std::fs::read_to_string(root().join("docs/ROUTERS.md")).unwrap();
    for kind in KINDS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", kind.name))).unwrap();
        let spec: Box<dyn RouterSpec> = toml::from_str(&table_of(kind.name)).unwrap();
        let expected = if spec.tiers().serves(Tier::Counts) { "all" } else { "token" };
        assert_eq!(row.split('|').nth(5).map(str::trim), Some(expected), "{row}");
    }
}
