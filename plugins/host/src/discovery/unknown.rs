//! The answer to a name that no library offers.

use isotherm_core::config::nearest;

use super::{Discovery, UnknownName};
use crate::label::{Item, Kind};

/// More names or files than this are not read by anybody.
const MAX_LISTED: usize = 8;

pub(super) fn explain(found: &Discovery, kind: Kind, name: &str) -> UnknownName {
    let items: Vec<&Item> = found.usable().flat_map(|inspection| &inspection.label.items).collect();
    let other = items.iter().find(|item| item.name == name);
    let message = match other {
        Some(item) => format!("`{name}` is a {}, not a {}", item.kind.noun(), kind.noun()),
        None => format!("no plugin offers the {} `{name}`", kind.noun()),
    };
    let mut names: Vec<&str> = items.iter().filter(|item| item.kind == kind).map(|item| item.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let expected = match names.as_slice() {
        [] => format!("a {} that a plugin offers", kind.noun()),
        names => cut(names.iter().map(|name| format!("`{name}`")).collect(), ", "),
    };
    let mut hints = Vec::new();
    if let Some(meant) = nearest(name, names.iter().copied()) {
        hints.push(format!("did you mean `{meant}`?"));
    }
    if names.is_empty() {
        hints.push(
            "name its library with `--plugin FILE`, or `plugins = [\"FILE\"]` at the top of the scenario".to_owned(),
        );
    }
    hints.push(format!("looked in {}", looked_in(found)));
    let refused: Vec<String> = found
        .candidates()
        .iter()
        .filter_map(|candidate| candidate.outcome.as_ref().err())
        .map(|refusal| format!("{} (found {})", refusal.file.display(), refusal.found))
        .collect();
    if !refused.is_empty() {
        hints.push(format!("passed over {}", cut(refused, ", ")));
    }
    UnknownName { message, expected, hint: hints.join("; ") }
}

fn looked_in(found: &Discovery) -> String {
    let places = found.searched().iter().map(|place| {
        let missing = if place.exists { "" } else { ", which does not exist" };
        format!("{} ({}{missing})", place.path.display(), place.source)
    });
    let places: Vec<String> = places.collect();
    if places.is_empty() { "no place: no file, folder or scenario is known".to_owned() } else { cut(places, ", ") }
}

fn cut(mut parts: Vec<String>, separator: &str) -> String {
    let more = parts.len().saturating_sub(MAX_LISTED);
    parts.truncate(MAX_LISTED);
    let text = parts.join(separator);
    if more == 0 { text } else { format!("{text} and {more} more") }
}
