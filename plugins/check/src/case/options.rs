//! Cases about options: the plugin's code, its schema and its example must say the same.

use serde_json::{Map, Value};

use crate::actor::play;
use crate::finding::{Checked, Finding, fault};
use crate::options::{object, shown};
use crate::scene::Scene;
use crate::schema::{self, Probe};
use crate::subject::{Opened, Subject};

pub(super) fn instance(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    if let Some(refused) = opened.refusal(&opened.options, &Scene::plain(subject.seed))? {
        let whose = if opened.entry.example.is_object() {
            "its own example"
        } else {
            "no options, and the manifest has no `example`:"
        };
        return fault(format!("refuses {whose} {}: {}", shown(&opened.options), refused.said));
    }
    Ok(())
}

pub(super) fn options(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let scene = Scene::plain(subject.seed);
    if !opened.configures() {
        return Ok(());
    }
    let resolved = opened.configure(&opened.options, &scene)?;
    let first = object(&resolved).map_err(|what| Finding::Fault(format!("`configure` resolves to what {what}")))?;
    let again = opened.configure(&resolved, &scene).map_err(|f| f.while_in("its own resolved options"))?;
    if object(&again).ok().as_ref() != Some(&first) {
        return fault(format!("resolved options {} resolve to others: {}", shown(&resolved), shown(&again)));
    }
    let answers = |options: &str| play(&mut *opened.actor_with(&scene, options)?, 0, 4);
    if answers(&opened.options)? != answers(&resolved)? {
        return fault(format!("answers otherwise with its resolved options {}", shown(&resolved)));
    }
    Ok(())
}

pub(super) fn schema(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let Value::Object(_) = &opened.entry.options else {
        return Err(Finding::NotApplicable("the manifest has no schema of the options".to_owned()));
    };
    schema::check(&opened.entry.options).map_err(Finding::Fault)?;
    let example = object(&opened.options).map_err(Finding::Fault)?;
    let scene = Scene::plain(subject.seed);
    for Probe { options, because } in schema::right(&opened.entry.options, &example) {
        let text = Value::Object(options).to_string();
        if let Some(refused) = opened.refusal(&text, &scene)? {
            return fault(format!("refuses {} ({because}): {}", shown(&text), refused.said));
        }
    }
    for Probe { options, because } in schema::wrong(&opened.entry.options, &example) {
        let text = Value::Object(options).to_string();
        if opened.refusal(&text, &scene)?.is_none() {
            return fault(format!("accepts {}, against its schema ({because})", shown(&text)));
        }
    }
    Ok(())
}

/// Text that is no JSON object.
fn no_objects() -> Vec<String> {
    let plain = [
        "",
        " ",
        "not JSON",
        "null",
        "1",
        "\"text\"",
        "[]",
        "{",
        "{\"a\":",
        "{} {}",
        "{}\0",
        "{\"a\":1,}",
        "\u{feff}{}",
    ];
    let deep = 100_000;
    let nested = ["[".repeat(deep), format!("{}{}", "[".repeat(deep), "]".repeat(deep)), "{\"a\":".repeat(deep)];
    plain.into_iter().map(str::to_owned).chain(nested).collect()
}

/// Objects of options that no plugin has.
fn unknown_options(example: &Map<String, Value>) -> Vec<String> {
    let with = |value: &str| {
        let mut text = Value::Object(example.clone()).to_string();
        text.pop();
        let comma = if example.is_empty() { "" } else { "," };
        format!("{text}{comma}\"no-such-option\":{value}}}")
    };
    let deep = 100_000;
    let nested = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    vec![with("1"), with("null"), with(&format!("\"{}\"", "x".repeat(1_000_000))), with(&nested)]
}

pub(super) fn malformed(subject: &Subject) -> Checked {
    let opened = subject.open()?;
    let example = object(&opened.options).map_err(Finding::Fault)?;
    let scene = Scene::plain(subject.seed);
    for text in no_objects().iter().chain(&unknown_options(&example)) {
        refuses(&opened, text, &scene)?;
    }
    Ok(())
}

/// A plugin without `configure` has said that it takes every object as it is; then it must only survive.
fn refuses(opened: &Opened, text: &str, scene: &Scene) -> Checked {
    match opened.refusal(text, scene) {
        Ok(None) if opened.configures() => fault(format!("accepts the options {}", shown(text))),
        Ok(_) => Ok(()),
        Err(finding) => Err(finding.while_in(format_args!("with the options {}", shown(text)))),
    }
}
