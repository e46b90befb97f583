//! Colours, where they are wanted.

use ratatui::style::{Color, Modifier, Style};

/// How things are set off. Without colours, weight alone does it, and every meaning is also a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    colours: bool,
}

impl Palette {
    /// With or without colours.
    #[must_use]
    pub const fn new(colours: bool) -> Self {
        Self { colours }
    }

    /// As `NO_COLOR` asks.
    #[must_use]
    pub fn of_environment() -> Self {
        Self::new(std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()))
    }

    const fn coloured(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    pub(super) const fn title(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    pub(super) const fn value(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Labels, frames, and what is only there to be looked up.
    pub(super) const fn quiet(self) -> Style {
        if self.colours { Style::new().fg(Color::DarkGray) } else { Style::new().add_modifier(Modifier::DIM) }
    }

    pub(super) const fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    pub(super) const fn warm(self) -> Style {
        self.coloured(Color::Yellow)
    }

    pub(super) const fn alarm(self) -> Style {
        self.coloured(Color::LightRed).add_modifier(Modifier::BOLD)
    }

    pub(super) const fn power(self) -> Style {
        self.coloured(Color::Blue)
    }

    pub(super) const fn heat(self) -> Style {
        self.coloured(Color::LightMagenta)
    }
}
