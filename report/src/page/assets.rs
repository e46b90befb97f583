//! Style sheets and scripts of the page. They are in the program, and their hashes are in the page's security policy: the browser runs
//! these scripts and no other, whatever else the page holds.

use std::sync::LazyLock;

use base64::Engine;
use sha2::{Digest, Sha256};

use crate::palette::{Theme, css};

/// The charts, as published: uPlot 1.6.32.
pub(super) const CHARTS: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");
/// Their licence.
pub(super) const CHARTS_LICENCE: &str = include_str!("../../assets/uplot/LICENSE");

/// The style of the charts, that of the page, and the colours of figures in both themes.
pub(super) static STYLE: LazyLock<String> = LazyLock::new(|| {
    let (light, dark) = (css(Theme::Light), css(Theme::Dark));
    let colours = format!(
        ":root{{{light}}}\n:root[data-theme=\"dark\"]{{{dark}}}\n\
         @media (prefers-color-scheme: dark){{:root:not([data-theme=\"light\"]){{{dark}}}}}\n\
         @media print{{:root,:root[data-theme=\"dark\"]{{{light}}}}}\n"
    );
    [include_str!("../../assets/uplot/uPlot.min.css"), include_str!("../../assets/page.css"), &colours].join("\n")
});

/// The script of the page, file after file in a scope of its own.
pub(super) static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let files = [
        include_str!("../../assets/script/data.js"),
        include_str!("../../assets/script/number.js"),
        include_str!("../../assets/script/theme.js"),
        include_str!("../../assets/script/table.js"),
        include_str!("../../assets/script/choice.js"),
        include_str!("../../assets/script/plot.js"),
        include_str!("../../assets/script/floor.js"),
        include_str!("../../assets/script/time.js"),
        include_str!("../../assets/script/start.js"),
    ];
    format!("\"use strict\";\n(() => {{\n{}}})();\n", files.join("\n"))
});

/// What the page may do: run these scripts, use this style, and fetch nothing from anywhere.
pub(super) fn policy() -> String {
    let hash = |text: &str| {
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()));
        format!("'sha256-{hash}'")
    };
    format!(
        "default-src 'none'; script-src {} {}; style-src {}; base-uri 'none'; form-action 'none'",
        hash(CHARTS),
        hash(&SCRIPT),
        hash(&STYLE)
    )
}

/// A JSON document that can stand in a `script` element: nothing in it ends the element or begins a comment.
pub(super) fn json(document: &impl serde::Serialize) -> String {
    // Maps with keys that are no text, which JSON has not, do not occur.
    let text = serde_json::to_string(document).unwrap_or_default();
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_data_block_early() {
        let hostile = ["</script><script>alert(1)</script>", "<!--", "]]>", "&lt;", "\u{2028}", "\"'\\"];
        let text = json(&hostile);
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        let back: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, hostile);
    }

    #[test]
    fn scripts_do_not_end_their_element() {
        for script in [CHARTS, &SCRIPT] {
            assert!(!script.contains("</script") && !script.contains("<!--"));
        }
        assert!(!STYLE.contains("</style"));
    }
}
