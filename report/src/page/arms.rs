//! What a comparison compares: routers; or, where there is one router only, what else the points of its sweep differ in, a placement for
//! instance. An answer that names the router would name the same one for all.

use crate::axes::Axis;
use crate::palette::Routers;

/// The sort of thing that the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arms {
    /// One of them: `router`, `placement`, `point`.
    pub(super) noun: String,
    /// Whether they are told apart by their points alone.
    pub(super) by_point: bool,
}

impl Arms {
    pub(super) fn of(axes: &[Axis], routers: &Routers) -> Self {
        let by_point = routers.order().len() == 1 && !axes.is_empty();
        let noun = match axes {
            _ if !by_point => "router",
            [axis] if is_word(&axis.label) => &axis.label,
            _ => "point",
        };
        Self { noun: noun.to_owned(), by_point }
    }

    /// So many of them: `1 router`, `3 routers`.
    pub(super) fn count(count: usize, noun: &str) -> String {
        if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
    }
}

/// Whether a key reads as a word of a sentence.
fn is_word(key: &str) -> bool {
    key.len() <= 20 && !key.is_empty() && key.chars().all(|letter| letter.is_ascii_lowercase()) && !key.ends_with('s')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_router_is_no_comparison_of_routers() {
        let axis = |label: &str| Axis { label: label.to_owned(), ..Axis::default() };
        let noun =
            |axes: &[Axis], routers: &[(&str, bool)]| Arms::of(axes, &Routers::in_order(routers.iter().copied())).noun;
        assert_eq!(noun(&[axis("placement")], &[("baseline", true)]), "placement");
        assert_eq!(noun(&[axis("power_cap")], &[("baseline", true)]), "point");
        assert_eq!(noun(&[axis("lambda")], &[("baseline", true), ("ttt", false)]), "router");
        assert_eq!(noun(&[], &[("baseline", true)]), "router");
        assert_eq!((Arms::count(1, "router"), Arms::count(0, "run")), ("1 router".to_owned(), "0 runs".to_owned()));
    }
}
