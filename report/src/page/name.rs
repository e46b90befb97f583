//! Names that others have given, on the page: of any length, in any script, with whatever is in them.

use maud::{Markup, html};

/// Letters of a name that are shown; the whole of it is in its tooltip.
const SHOWN: usize = 80;
/// Letters of a tooltip.
const TOOLTIP: usize = 10_000;

/// A name, apart from the direction of the text around it. Long ones are cut, and say so by an ellipsis.
pub(super) fn name(name: &str) -> Markup {
    let shown = shortened(name, SHOWN);
    let whole = (shown.len() < name.len()).then(|| shortened(name, TOOLTIP));
    html! { bdi.name title=[whole] { (shown) } }
}

/// At most so many letters. What a browser would take for something else than text, control characters, is told apart.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let mut letters = text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter });
    let mut short: String = letters.by_ref().take(most).collect();
    if letters.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_whatever_they_say() {
        assert_eq!(name("</script><script>").into_string(), "<bdi class=\"name\">&lt;/script&gt;&lt;script&gt;</bdi>");
        assert_eq!(shortened("a\u{0}b", 9), "a\u{fffd}b");
        let long = name(&"x\"".repeat(5000)).into_string();
        assert!(long.contains('…') && !long.contains("x\"x"), "{}", &long[..200]);
    }
}
