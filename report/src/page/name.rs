//! Names that others have given, on the page: of any length, in any script, with whatever is in them.

use maud::{Markup, html};

use crate::name::shortened;

/// Letters of a name that are shown; the whole of it is in its tooltip.
const SHOWN: usize = 80;
/// Letters of a tooltip.
const TOOLTIP: usize = 10_000;

/// A name, apart from the direction of the text around it. One that is too long to be shown has a tooltip.
pub(super) fn name(name: &str) -> Markup {
    let (shown, whole) = (shortened(name, SHOWN), tooltip(name));
    let more = (shown != whole).then_some(whole);
    html! { bdi.name title=[more] { (shown) } }
}

/// A name for a tooltip, or for the script, which shortens it for itself.
pub(super) fn tooltip(name: &str) -> String {
    shortened(name, TOOLTIP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_whatever_they_say() {
        assert_eq!(name("</script><script>").into_string(), "<bdi class=\"name\">&lt;/script&gt;&lt;script&gt;</bdi>");
        let turned = name("a\u{202e}b").into_string();
        assert_eq!(turned, "<bdi class=\"name\">a\u{fffd}b</bdi>");
        let long = name(&"x\"".repeat(5000)).into_string();
        assert!(long.contains('…') && !long.contains("x\"x"), "{}", &long[..200]);
    }
}
