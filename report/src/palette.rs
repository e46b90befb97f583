//! Which colour stands for what, the same in every figure and on the page.
//!
//! A reader learns a router's colour once. So it is decided here, by the order of the routers in the plan, and nowhere else: figures, page
//! and legends name an [`Ink`] and ask what it looks like in a theme. Colours are after Okabe and Ito, moved until lines stand out from the
//! ground of both themes and any two are told apart by readers of every kind of colour blindness; markers and dashes differ as well.

use std::collections::BTreeMap;

use crate::results::Results;

/// What a mark is about, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ink {
    /// A router, by its place among the routers that are no baseline.
    Router(usize),
    /// The baseline: grey, as what everything is measured against.
    Baseline,
    /// A member of an ordered family, GPUs for instance: its place and how many there are.
    Member(usize, usize),
    /// Text and lines of the first rank, the optimal frontier for instance.
    Strong,
    /// Text and lines that stand back.
    Muted,
    /// Grid lines.
    Grid,
    /// The ground.
    Ground,
    /// What is expensive or too warm: limits, hot experts, throttling.
    Hot,
    /// What is cheap or cold.
    Cold,
}

/// Light or dark ground.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark marks on white, for print.
    #[default]
    Light,
    /// Light marks on near black, for slides.
    Dark,
    /// Colours as CSS variables, so that a page can change its theme; [`css`] declares them.
    Css,
}

/// Hues of routers on light ground and on dark ground.
const ROUTERS: [(&str, &str); 7] = [
    ("#0165ad", "#4daaeb"),
    ("#d96b0b", "#f38638"),
    ("#009c62", "#30dfa3"),
    ("#b04a86", "#e094bb"),
    ("#799f39", "#f0c24b"),
    ("#5b4fc4", "#6c85ff"),
    ("#6b4a2b", "#cfa987"),
];

/// How many hues there are; after them the same ones come again with another dash and marker.
pub const HUES: usize = ROUTERS.len();

/// Colours of routers by their labels.
///
/// ```
/// use isotherm_report::palette::{Ink, Routers};
/// let routers = Routers::in_order([("baseline", true), ("ttt", false), ("pid", false)]);
/// assert_eq!(routers.ink("baseline"), Ink::Baseline);
/// assert_eq!(routers.ink("pid"), Ink::Router(1));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Routers {
    inks: BTreeMap<String, Ink>,
    order: Vec<String>,
}

impl Routers {
    /// The routers of a results folder in the order of its plan.
    #[must_use]
    pub fn of(results: &Results) -> Self {
        Self::in_order(results.summary.rows.iter().map(|row| (row.router.as_str(), row.baseline)))
    }

    /// From labels in order, each with whether it is the baseline; one that comes again changes nothing.
    #[must_use]
    pub fn in_order<'a>(routers: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let mut all = Self::default();
        let mut next = 0;
        for (router, baseline) in routers {
            if all.inks.contains_key(router) {
                continue;
            }
            let ink = if baseline { Ink::Baseline } else { Ink::Router(next) };
            next += usize::from(!baseline);
            all.inks.insert(router.to_owned(), ink);
            all.order.push(router.to_owned());
        }
        all
    }

    /// The ink of a router; that of the baseline for a label nobody knows.
    #[must_use]
    pub fn ink(&self, router: &str) -> Ink {
        self.inks.get(router).copied().unwrap_or(Ink::Baseline)
    }

    /// The labels in the order of the plan.
    #[must_use]
    pub fn order(&self) -> &[String] {
        &self.order
    }
}

/// What an ink looks like, as a value for `fill` or `stroke`.
///
/// ```
/// use isotherm_report::palette::{Ink, Theme, colour};
/// assert_eq!(colour(Ink::Router(0), Theme::Light), "#0165ad");
/// assert_eq!(colour(Ink::Router(7), Theme::Light), "#0165ad", "the hues come again");
/// assert_eq!(colour(Ink::Router(0), Theme::Css), "var(--ink-router-0)");
/// ```
#[must_use]
pub fn colour(ink: Ink, theme: Theme) -> String {
    match theme {
        Theme::Light => pair(ink).0,
        Theme::Dark => pair(ink).1,
        Theme::Css => match ink {
            Ink::Router(place) => format!("var(--ink-router-{})", place % HUES),
            Ink::Baseline => "var(--ink-baseline)".to_owned(),
            // A gradient between two colours that read on both grounds.
            Ink::Member(place, of) => member(place, of, 0.12, 0.80),
            Ink::Strong => "var(--ink-strong)".to_owned(),
            Ink::Muted => "var(--ink-muted)".to_owned(),
            Ink::Grid => "var(--ink-grid)".to_owned(),
            Ink::Ground => "var(--ink-ground)".to_owned(),
            Ink::Hot => "var(--ink-hot)".to_owned(),
            Ink::Cold => "var(--ink-cold)".to_owned(),
        },
    }
}

/// The declarations that [`Theme::Css`] refers to, for `theme`: the inside of a rule, to be put where the page chooses its theme. Empty for
/// [`Theme::Css`] itself.
#[must_use]
pub fn css(theme: Theme) -> String {
    let routers = (0..HUES).map(Ink::Router);
    let others = [Ink::Baseline, Ink::Strong, Ink::Muted, Ink::Grid, Ink::Ground, Ink::Hot, Ink::Cold];
    let declare = |ink: Ink| {
        let name = colour(ink, Theme::Css);
        let name = name.trim_start_matches("var(").trim_end_matches(')').to_owned();
        format!("{name}:{};", colour(ink, theme))
    };
    if theme == Theme::Css { String::new() } else { routers.chain(others).map(declare).collect() }
}

/// The colour on light ground and on dark ground.
fn pair(ink: Ink) -> (String, String) {
    let (light, dark) = match ink {
        Ink::Router(place) => ROUTERS[place % HUES],
        Ink::Member(place, of) => return (member(place, of, 0.0, 0.78), member(place, of, 0.25, 1.0)),
        Ink::Baseline => ("#6b7280", "#9aa3b2"),
        Ink::Strong => ("#16181d", "#f2f4f8"),
        Ink::Muted => ("#555c68", "#aab2c0"),
        Ink::Grid => ("#e3e5ea", "#31363f"),
        Ink::Ground => ("#ffffff", "#14171c"),
        Ink::Hot => ("#c8102e", "#ff6b6b"),
        Ink::Cold => ("#2a7ab8", "#6cb6f0"),
    };
    (light.to_owned(), dark.to_owned())
}

/// A place on viridis between two of its shades.
fn member(place: usize, of: usize, from: f64, to: f64) -> String {
    let share = if of > 1 { place as f64 / (of - 1) as f64 } else { 0.5 };
    sequential(from + (to - from) * share)
}

/// The colour of a share between 0 and 1 on viridis, which grows lighter all the way and is the same to all eyes.
#[must_use]
pub fn sequential(share: f64) -> String {
    format!("#{:x}", colorous::VIRIDIS.eval_continuous(share.clamp(0.0, 1.0)))
}

/// The colour of a share between -1 and 1: brown below nothing, white at nothing, blue-green above it.
#[must_use]
pub fn diverging(share: f64) -> String {
    format!("#{:x}", colorous::BROWN_GREEN.eval_continuous(0.5 + 0.5 * share.clamp(-1.0, 1.0)))
}

/// Whether text on this colour (`#rrggbb`) has to be dark.
#[must_use]
pub fn wants_dark_text(colour: &str) -> bool {
    luminance(colour) > 0.30
}

/// Relative luminance of `#rrggbb` as WCAG defines it; 0 for anything else.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let byte = colour.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
        let share = f64::from(byte) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// A colour as a dichromat sees it: Machado et al. 2009, severity 1, in linear RGB; then CIE L*a*b*.
    fn seen(colour: &str, by: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = |at: usize| {
            let share = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        let rgb = [linear(1), linear(3), linear(5)];
        let times = |m: &[[f64; 3]; 3], v: [f64; 3]| m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
        let xyz = times(
            &[[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]],
            times(by, rgb).map(|v| v.clamp(0.0, 1.0)),
        );
        let f = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let [x, y, z] = [f(xyz[0] / 0.9505), f(xyz[1]), f(xyz[2] / 1.089)];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn lines_stand_out_from_both_grounds() {
        for theme in [Theme::Light, Theme::Dark] {
            let ground = colour(Ink::Ground, theme);
            for ink in (0..HUES).map(Ink::Router).chain([Ink::Baseline, Ink::Hot, Ink::Cold]) {
                let found = contrast(&colour(ink, theme), &ground);
                assert!(found >= 3.0, "{ink:?} in {theme:?}: {found:.2}");
            }
            for ink in [Ink::Strong, Ink::Muted] {
                let found = contrast(&colour(ink, theme), &ground);
                assert!(found >= 4.5, "text {ink:?} in {theme:?}: {found:.2}");
            }
        }
    }

    #[test]
    fn neighbours_differ_for_every_eye() {
        let eyes = [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ];
        for theme in [Theme::Light, Theme::Dark] {
            for (eye, matrix) in eyes.iter().enumerate() {
                for a in 0..HUES {
                    for b in 0..a {
                        let [p, q] = [a, b].map(|place| seen(&colour(Ink::Router(place), theme), matrix));
                        let distance = (0..3).map(|i| (p[i] - q[i]).powi(2)).sum::<f64>().sqrt();
                        // The first four, which most comparisons have, differ clearly; the others have another marker too.
                        let least = if a < 4 { 15.0 } else { 7.0 };
                        assert!(distance >= least, "{a} and {b} for eye {eye} in {theme:?}: {distance:.1}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_variable_that_is_used_is_declared() {
        for theme in [Theme::Light, Theme::Dark] {
            let declared = css(theme);
            for ink in [Ink::Router(9), Ink::Baseline, Ink::Grid, Ink::Ground, Ink::Hot] {
                let used = colour(ink, Theme::Css);
                let name = used.trim_start_matches("var(").trim_end_matches(')');
                assert!(declared.contains(&format!("{name}:#")), "{name} in {declared}");
            }
        }
    }
}
