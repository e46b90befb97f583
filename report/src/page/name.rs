//! Names that others have given, on the page: of any length, in any script, with whatever is in them.

use maud::{Markup, html};

use crate::name::shortened;

/// Letters of a name that are shown; the whole of it is in its tooltip.
const SHOWN: usize = 80;
/// Letters of a tooltip.
const TOOLTIP: usize = 10_000;

/// A name, apart from the direction of the text around it. One that is not shown as it is has a tooltip.
pub(super) fn name(name: &str) -> Markup {
    let shown = shortened(name, SHOWN);
    let whole = (shown != name).then(|| tooltip(name));
    html! { bdi.name title=[whole] { (shown) } }
}

/// A tooltip stands alone: what turns its direction turns nothing else. Control characters are no text in HTML.
fn tooltip(name: &str) -> String {
    name.chars().take(TOOLTIP).map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_whatever_they_say() {
        assert_eq!(name("</script><script>").into_string(), "<bdi class=\"name\">&lt;/script&gt;&lt;script&gt;</bdi>");
        let turned = name("a\u{202e}b").into_string();
        assert_eq!(turned, "<bdi class=\"name\" title=\"a\u{202e}b\">a\u{fffd}b</bdi>");
        let long = name(&"x\"".repeat(5000)).into_string();
        assert!(long.contains('…') && !long.contains("x\"x"), "{}", &long[..200]);
    }
}
