//! What has to be known before a number of the page is believed.

use super::origin::Profile;
use super::series::Series;
use crate::axes::{Axis, point};
use crate::name::shortened;
use crate::results::{Results, Row};

/// One sentence, and whom it is about.
#[derive(Debug, PartialEq)]
pub(super) struct Note {
    pub(super) text: String,
    /// Routers, if it is not about all.
    pub(super) who: String,
    /// Whether it may turn the answer over.
    pub(super) loud: bool,
}

/// How warnings begin that say only how something was modelled; all others are loud.
const PLAIN: [&str; 5] = ["constant cost", "table cost", "device model", "fixed temperature", "frontier:"];
/// Seeds that an interval should rest on.
const ENOUGH_SEEDS: u32 = 10;

/// All notes; what may turn the answer over comes first.
pub(super) fn notes(results: &Results, axes: &[Axis], series: &Series, profile: Option<&Profile>) -> Vec<Note> {
    let mut notes: Vec<Note> = results.gaps.iter().map(|gap| loud(gap.to_string())).collect();
    notes.extend(series.error.iter().map(|error| loud(format!("series.parquet: read up to damage: {}", error.found))));
    notes.extend(warnings(&results.summary.rows, axes));
    notes.extend(few_seeds(results));
    notes.extend(above_the_cap(&results.summary.rows, axes));
    notes.extend(failures(results));
    notes.extend(guessed(profile));
    notes.extend(nothing_to_draw(results, series));
    if series.left_out > 0 {
        let (here, left) = (series.runs.len(), series.left_out);
        notes.push(plain(format!(
            "series of {here} runs are on this page, those of {left} more are in series.parquet only"
        )));
    }
    notes.sort_by_key(|note| !note.loud);
    notes
}

fn loud(text: String) -> Note {
    Note { text, who: String::new(), loud: true }
}

fn plain(text: String) -> Note {
    Note { loud: false, ..loud(text) }
}

/// The warnings of all rows, each once, with whom it is about.
fn warnings(rows: &[Row], axes: &[Axis]) -> Vec<Note> {
    let mut said: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in rows {
        for warning in &row.warnings {
            match said.iter_mut().find(|(known, _)| known == warning) {
                Some((_, about)) => about.push(row),
                None => said.push((warning, vec![row])),
            }
        }
    }
    let note = |(warning, about): (&str, Vec<&Row>)| Note {
        who: if about.len() == rows.len() { String::new() } else { who(&about, rows, axes) },
        loud: !PLAIN.iter().any(|start| warning.starts_with(start)),
        text: warning.to_owned(),
    };
    said.into_iter().map(note).collect()
}

/// Routers by name; with its point where a note is not about all rows of a router. The first few.
fn who(about: &[&Row], rows: &[Row], axes: &[Axis]) -> String {
    const MOST: usize = 8;
    let mut names: Vec<String> = Vec::new();
    for row in about {
        let same = |rows: &mut dyn Iterator<Item = &Row>| rows.filter(|other| other.router == row.router).count();
        let router = shortened(&row.router, 60);
        let whole = same(&mut about.iter().copied()) == same(&mut rows.iter());
        let name = if whole { router } else { format!("{router} ({})", point(axes, row)) };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join("; ")
}

/// The summary's rows say it themselves, unless somebody else has made them.
fn few_seeds(results: &Results) -> Option<Note> {
    let rows = &results.summary.rows;
    let fewest = rows.iter().map(|row| row.seeds).min()?;
    let said = rows.iter().flat_map(|row| &row.warnings).any(|warning| warning.starts_with("few seeds"));
    (fewest < ENOUGH_SEEDS && !said)
        .then(|| loud(format!("few seeds: {fewest} of the {ENOUGH_SEEDS} that an interval should rest on")))
}

/// Rows whose GPUs drew more than their cap, in means of a second.
fn above_the_cap(rows: &[Row], axes: &[Axis]) -> Option<Note> {
    let seconds = |row: &Row| row.metric("cap_violation_s").map_or(0.0, |seconds| seconds.mean);
    let above: Vec<&Row> = rows.iter().filter(|row| seconds(row) > 0.0).collect();
    let most = above.iter().map(|row| seconds(row)).reduce(f64::max)?;
    let text = format!(
        "power cap: the mean power of a second was above it, for up to {} GPU s of a run (cap_violation_s)",
        crate::draw::number(most)
    );
    Some(Note { text, who: who(&above, rows, axes), loud: true })
}

fn failures(results: &Results) -> Vec<Note> {
    const MOST: usize = 5;
    let all = &results.summary.failures;
    let note = |failure: &crate::results::Failure| Note {
        text: format!("failed with seed {}: {}", failure.seed, shortened(&failure.message, 400)),
        who: shortened(&failure.router, 60),
        loud: true,
    };
    let more = all.len().saturating_sub(MOST);
    let more = (more > 0).then(|| loud(format!("failed: {more} more runs")));
    all.iter().take(MOST).map(note).chain(more).collect()
}

fn guessed(profile: Option<&Profile>) -> Option<Note> {
    let profile = profile?;
    let guessed = profile.guessed();
    if guessed.is_empty() {
        return None;
    }
    let text =
        format!("guessed: some numbers of the profile `{}` are somebody's judgement", shortened(&profile.name, 80));
    Some(Note { text, who: guessed.join(", "), loud: true })
}

/// What of the page is empty because the folder has nothing for it.
fn nothing_to_draw(results: &Results, series: &Series) -> Vec<Note> {
    let mut notes = Vec::new();
    if series.runs.is_empty() && results.gaps.iter().all(|gap| gap.file != "series.parquet") {
        notes.push(plain("nothing over time: series.parquet has no batch of a run that finished".to_owned()));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_said_once_and_names_whom_it_is_about() {
        let row = |router: &str, warnings: &[&str]| Row {
            router: router.to_owned(),
            seeds: 10,
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
            ..Row::default()
        };
        let mut results = Results::default();
        let all = "device model: of a profile";
        results.summary.rows = vec![row("a", &[all]), row("b", &[all, "oracle: b sees true costs"])];
        let notes = notes(&results, &[], &Series::default(), None);
        let said: Vec<_> = notes.iter().map(|note| (note.text.as_str(), note.who.as_str(), note.loud)).collect();
        assert_eq!(said[..2], [("oracle: b sees true costs", "b", true), (all, "", false)]);
    }

    #[test]
    fn few_seeds_are_said_whoever_wrote_the_summary() {
        let mut results = Results::default();
        results.summary.rows = vec![Row { seeds: 3, ..Row::default() }];
        let notes = notes(&results, &[], &Series::default(), None);
        assert!(notes[0].loud && notes[0].text.starts_with("few seeds: 3"), "{notes:?}");
    }
}
