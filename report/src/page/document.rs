//! The document: what a reader sees, from the answer down to the licences. It is whole without its script; that makes the table sortable
//! and draws what moves.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::answer::{self, Answer};
use super::arms::Arms;
use super::assets::{CHARTS, CHARTS_LICENCE, SCRIPT, STYLE, json, policy};
use super::comparison;
use super::data::Data;
use super::drawn::Drawn;
use super::name::name;
use super::notes::Note;
use super::origin::{Key, Profile};
use crate::axes::{self, Axis};
use crate::name::shortened;
use crate::palette::Routers;
use crate::results::{Results, Row};

/// What the document is made of.
pub(super) struct Parts<'a> {
    pub(super) results: &'a Results,
    pub(super) axes: &'a [Axis],
    pub(super) arms: &'a Arms,
    pub(super) routers: &'a Routers,
    pub(super) notes: &'a [Note],
    pub(super) keys: &'a [(String, Vec<Key>)],
    pub(super) profile: Option<&'a Profile>,
    pub(super) data: &'a Data,
    pub(super) figures: &'a [Drawn],
    /// Figures that are no part of the page.
    pub(super) too_large: &'a [&'static str],
}

/// The sections with their names in the navigation.
const SECTIONS: [(&str, &str); 8] = [
    ("answer", "Answer"),
    ("notes", "Before you believe it"),
    ("comparison", "Comparison"),
    ("figures", "Figures"),
    ("time", "Over time"),
    ("floor", "GPUs"),
    ("scenario", "Scenario"),
    ("again", "Run it again"),
];

pub(super) fn document(parts: &Parts<'_>) -> String {
    let scenario = shortened(&parts.results.summary.scenario, 80);
    let shown = |id: &str| id != "figures" || !parts.figures.is_empty();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("isotherm {}", env!("CARGO_PKG_VERSION")));
                title { (scenario) " – isotherm report" }
                style { (PreEscaped(STYLE.as_str())) }
            }
            body {
                a.skip href="#answer" { "To the answer" }
                (head(parts))
                div.bar { div.wide {
                    nav aria-label="Sections" {
                        @for (id, label) in SECTIONS.iter().filter(|(id, _)| shown(id)) { a href=(format!("#{id}")) { (label) } }
                    }
                    button #theme type="button" hidden { "Theme: system" }
                } }
                main.wide {
                    section #answer { h2 { "What came out" } (answer(parts)) }
                    section #notes { h2 { "Before you believe it" } (notes(parts.notes)) }
                    section #comparison { h2 { "All " (parts.arms.noun) "s" } (comparison::table(parts.results, parts.axes, parts.routers)) }
                    @if shown("figures") { section #figures { h2 { "Figures" } (figures(parts)) } }
                    section #time { h2 { "Over time" } (over_time()) }
                    section #floor { h2 { "GPUs on the floor" } (floor()) }
                    section #scenario { h2 { "Scenario and hardware" } (scenario_keys(parts)) }
                    section #again { h2 { "Run it again" } (again(parts.results)) }
                }
                (foot())
                span #probe aria-hidden="true" hidden {}
                script #data type="application/json" { (PreEscaped(json(parts.data))) }
                script { (PreEscaped(CHARTS)) }
                script { (PreEscaped(SCRIPT.as_str())) }
            }
        }
    };
    page.into_string()
}

fn head(parts: &Parts<'_>) -> Markup {
    let summary = &parts.results.summary;
    let get = |key: &str| parts.results.scenario.as_ref().and_then(|scenario| scenario.get(&[key])?.as_str());
    let seeds = summary.rows.iter().map(|row| row.seeds).max().unwrap_or(0);
    html! {
        header.head.wide {
            p.brand { "isotherm report" }
            h1 { (name(&summary.scenario)) }
            @if let Some(description) = get("description").filter(|text| !text.is_empty()) { p.lead { (shortened(description, 600)) } }
            ul.facts {
                li { (Arms::count(parts.routers.order().len(), "router")) }
                @for axis in parts.axes { li { (Arms::count(axis.values.len(), "value")) " of " (shortened(&axis.label, 40)) } }
                li { (Arms::count(seeds as usize, "seed")) }
                li { (Arms::count(parts.results.runs.len(), "run")) }
                @if let Some(profile) = parts.profile { li { (shortened(&profile.name, 80)) } }
                @if !summary.isotherm.is_empty() { li { "isotherm " (shortened(&summary.isotherm, 40)) } }
            }
        }
    }
}

fn answer(parts: &Parts<'_>) -> Markup {
    let answer = answer::answer(parts.results);
    let Some(best) = answer.best else {
        return html! { p.answer.nothing { "This folder has no router beside a baseline: there is nothing to compare." } };
    };
    let saved = best.metric("energy_savings_percent").unwrap_or_default();
    html! {
        @if answer.saved {
            p.answer { (router(parts, best)) " saved most: " strong { (answer::percent(saved, 1.0)) } " of the energy"
                (price(parts, best)) "." }
        } @else {
            p.answer.nothing {
                @if best.is_luck() && saved.mean > 0.0 { "No saving is certain. The largest, which may be luck, is that of " }
                @else { "No " (parts.arms.noun) " saved energy. Closest came " }
                (router(parts, best)) ": " strong { (answer::percent(saved, 1.0)) } (price(parts, best)) "."
            }
        }
        (also(parts, &answer))
        (cards(parts, best))
    }
}

/// A router by name, and its point where there is a sweep; the point alone where there is no other router.
fn router(parts: &Parts<'_>, row: &Row) -> Markup {
    let point = axes::point(parts.axes, row);
    if parts.arms.by_point {
        return html! { b { bdi { (shortened(&point, 120)) } } };
    }
    html! { b { (name(&row.router)) } @if !point.is_empty() { " (" bdi { (shortened(&point, 120)) } ")" } }
}

/// What a saving cost, in half a sentence.
fn price(parts: &Parts<'_>, row: &Row) -> Markup {
    let regret = row.metric("mass_regret").map(|regret| answer::percent(regret, 100.0));
    let latency = answer::latency(row, answer::baseline_of(parts.results, row));
    html! {
        @if let Some(regret) = regret { ", giving up " (regret) " of the gate’s mass" }
        @if let Some((change, _)) = latency { ", p99 latency " (change) }
    }
}

/// The gentle router, and the oracle that nobody can build.
fn also(parts: &Parts<'_>, answer: &Answer<'_>) -> Markup {
    let percent = |row: &Row| answer::percent(row.metric("energy_savings_percent").unwrap_or_default(), 1.0);
    html! {
        @if let Some(row) = answer.gentle {
            p { "With at most " (100.0 * answer::GENTLE) " % of the gate’s mass given up: " (router(parts, row)) " saved " (percent(row)) (price(parts, row)) "." }
        } @else if answer.saved && answer.best.and_then(|row| row.metric("mass_regret")).is_some_and(|r| r.mean > answer::GENTLE) {
            p { "No " (parts.arms.noun) " saved energy with at most " (100.0 * answer::GENTLE) " % of the gate’s mass given up." }
        }
        @if let Some(row) = answer.oracle {
            p { "An oracle, which sees true costs that no real router knows, saved " (percent(row)) ": " (router(parts, row)) "." }
        }
    }
}

fn cards(parts: &Parts<'_>, row: &Row) -> Markup {
    let baseline = answer::baseline_of(parts.results, row);
    let energy =
        |row: &Row| row.metric("energy_j").map(|energy| crate::number::with_unit(energy.mean, energy.ci95, "J"));
    let agreement = row.metric("topk_agreement").map(|share| answer::percent(share, 100.0));
    let (sure, how) = answer::certainty(parts.results, row);
    html! {
        dl.cards {
            @if let Some(saved) = row.metric("energy_savings_percent") { div {
                dt { "Energy saved" } dd.value { (answer::percent(saved, 1.0)) }
                dd.quiet.small { @if let Some(now) = energy(row) { (now) @if let Some(before) = baseline.and_then(energy) { " instead of " (before) } } }
            } }
            @if let Some(regret) = row.metric("mass_regret") { div {
                dt { "Fidelity given up (mass regret)" } dd.value { (answer::percent(regret, 100.0)) }
                dd.quiet.small { @if let Some(agreement) = agreement { "took the baseline’s experts for " (agreement) " of the choices" } }
            } }
            @if let Some((change, words)) = answer::latency(row, baseline) { div {
                dt { "Latency (p99)" } dd.value { (change) } dd.quiet.small { (words) }
            } }
            div { dt { "How sure" } dd.value { (sure) } dd.quiet.small { (how) } }
        }
    }
}

fn notes(notes: &[Note]) -> Markup {
    html! {
        @if notes.is_empty() { p { "Nothing: no oracle, ten seeds or more, nothing guessed, nothing missing." } }
        @else {
            ul.notes {
                @for note in notes {
                    li.loud[note.loud] { (note.text) @if !note.who.is_empty() { span.who { (note.who) } } }
                }
            }
        }
    }
}

fn figures(parts: &Parts<'_>) -> Markup {
    html! {
        p.quiet.small.no-print { "Marks tell their values when the pointer rests on them." }
        div.figures {
            @for drawn in parts.figures { figure aria-label=(drawn.title) {
                    div.broad { (PreEscaped(&drawn.broad)) }
                    div.narrow { (PreEscaped(&drawn.narrow)) }
                } }
        }
        @if !parts.too_large.is_empty() {
            p.quiet.small { "Too large for this page, but not for " code { "isotherm plot" } ": " (parts.too_large.join(", ")) "." }
        }
    }
}

fn over_time() -> Markup {
    html! {
        p #time-missing { "Lines over time are drawn by the script of this page, where the folder has a series.parquet." }
        div #time-live hidden {
            div.controls #choice {}
            fieldset.chips #routers { legend { "Routers, to show or hide" } }
            div.controls {
                label.grow { span { "Time: " output.now for="when" {} } input.when #when type="range" aria-label="Time" min="0" max="1" value="1"; }
                div.buttons role="group" aria-label="Zoom" {
                    button #zoom-in type="button" { "Zoom in" }
                    button #zoom-out type="button" { "Zoom out" }
                    button #zoom-all type="button" { "All" }
                }
            }
            p.quiet.small.no-print { "Drag over a plot to zoom, double-click for all of it; the values are those under the cursor, in all plots at once." }
            p.quiet.small #reduced hidden {}
            p #nothing hidden { "No run of this point and seed is shown." }
            div.plots #compared {}
            div #each hidden {
                div.controls { label { "One run in detail" select #detail {} } }
                div.plots #detailed {}
            }
        }
    }
}

fn floor() -> Markup {
    html! {
        p #floor-missing { "The map is drawn by the script of this page, where the folder has temperatures, powers or clocks of GPUs." }
        div #floor-live hidden {
            div.controls {
                label { "Coloured by" select #quantity {} }
                label.grow { span { "Time: " output.now for="when-floor" {} } input.when #when-floor type="range" aria-label="Time of the map" min="0" max="1" value="1"; }
            }
            div.scale #scale {}
            p #unmapped hidden { "The chosen runs have no such values." }
            div.floors #floors {}
            p.quiet.small #more-floors hidden { "The first four routers that are shown above have a map; hide one to see another." }
        }
    }
}

fn scenario_keys(parts: &Parts<'_>) -> Markup {
    let count = |keys: &[Key], basis: &str| {
        keys.iter().filter(|key| key.origin.as_ref().is_some_and(|o| o.basis == basis)).count()
    };
    html! {
        @if parts.keys.is_empty() {
            p { "The folder has no scenario.resolved.toml that can be read." }
        } @else {
            p { "All keys as they were run. Numbers of the hardware profile say where they come from; every other key was set in the scenario, or is isotherm’s default." }
        }
        @for (group, keys) in parts.keys {
            details {
                summary {
                    bdi { (shortened(group, 80)) } " " span.quiet {
                        (keys.len()) @if keys.len() == 1 { " key" } @else { " keys" }
                        @for basis in ["measured", "fitted", "published", "derived", "guessed"] {
                            @if count(keys, basis) > 0 { ", " (count(keys, basis)) " " (basis) }
                        }
                    }
                }
                table.keys {
                    thead { tr { th scope="col" { "key" } th scope="col" { "value" } th scope="col" { "origin" } } }
                    tbody { @for key in keys { (key_row(group, key)) } }
                }
            }
        }
    }
}

fn key_row(group: &str, key: &Key) -> Markup {
    let path = key.path.strip_prefix(group).map_or(key.path.as_str(), |rest| rest.trim_start_matches('.'));
    html! {
        tr {
            th scope="row" { bdi { (shortened(path, 120)) } }
            td { bdi { (shortened(&key.value, 400)) } @if let Some(width) = key.origin.as_ref().and_then(|o| o.plus_minus.as_ref()) { span.quiet { " ± " (width) } } }
            td.small {
                @match &key.origin {
                    Some(origin) => { span class=(format!("badge {}", if origin.basis == "guessed" { "guessed" } else { "" })) { (shortened(&origin.basis, 20)) } " " (shortened(&origin.note, 600)) }
                    None if group == "hardware.profile" => { span.quiet { "the profile does not say" } }
                    None => {}
                }
            }
        }
    }
}

fn again(results: &Results) -> Markup {
    let summary = &results.summary;
    let folder = std::fs::canonicalize(&results.path).ok();
    let folder =
        folder.as_deref().and_then(|path| path.file_name()).and_then(|name| name.to_str()).unwrap_or("RESULTS");
    html! {
        p { "The resolved scenario has every default in it; run again from the directory it was started in, it gives the same numbers." }
        pre.wrap tabindex="0" { "isotherm run " (quoted(&format!("{folder}/scenario.resolved.toml"))) " --out again" }
        table.keys { tbody {
            tr { th scope="row" { "isotherm" } td { (shortened(&summary.isotherm, 60)) } td {} }
            tr { th scope="row" { "scenario hash" } td { code { (shortened(&summary.scenario_hash, 80)) } } td {} }
            @for file in &summary.data_files { tr { th scope="row" { "data file" } td { bdi { (shortened(&file.path, 200)) } } td { code { (shortened(&file.sha256, 80)) } } } }
            @for plugin in &summary.plugins { tr { th scope="row" { "plugin" } td { (shortened(&plugin.package, 80)) " " (shortened(&plugin.version, 40)) } td { code { (shortened(&plugin.sha256, 80)) } } } }
        } }
    }
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

fn foot() -> Markup {
    html! {
        footer.wide {
            p { "Made by isotherm " (env!("CARGO_PKG_VERSION")) " from a results folder. This page asks the network for nothing." }
            details {
                summary { "Charts: uPlot 1.6.32 by Leon Sorokin, MIT licence" }
                pre.wrap tabindex="0" { (CHARTS_LICENCE) }
            }
        }
    }
}
