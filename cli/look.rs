//! What standard output can show, by what it is and by what the environment asks for.

use std::io::{IsTerminal as _, stdout};

use isotherm_report::table::Look;

/// How a table is drawn on standard output: bold and as wide as it is only on a terminal, and not bold where `NO_COLOR` is set; with ASCII
/// characters where the locale has no others.
pub(crate) fn of_standard_output() -> Look {
    let width = stdout().is_terminal().then(width);
    of(width, |name| std::env::var(name).ok())
}

/// Width of the terminal; `None` if it does not know. One that is zero lines high, as some consoles and test harnesses are, has a width
/// all the same.
#[cfg(unix)]
fn width() -> Option<u16> {
    rustix::termios::tcgetwinsize(stdout()).ok().map(|size| size.ws_col).filter(|width| *width > 0)
}

#[cfg(not(unix))]
fn width() -> Option<u16> {
    terminal_size::terminal_size_of(stdout()).map(|(width, _)| width.0)
}

/// `terminal`: `None` where there is none, else its width if it is known.
fn of(terminal: Option<Option<u16>>, variable: impl Fn(&str) -> Option<String>) -> Look {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let is_dumb = set("TERM").is_some_and(|term| term == "dumb");
    // The first that is set decides, as POSIX has it. Where none is, nothing says that other characters would not be shown.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    let is_unicode = |locale: String| ["utf-8", "utf8"].iter().any(|name| locale.to_lowercase().contains(name));
    Look {
        bold: terminal.is_some() && set("NO_COLOR").is_none() && !is_dumb,
        ascii: locale.is_some_and(|locale| !is_unicode(locale)),
        width: terminal.flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(terminal: Option<Option<u16>>, variables: &[(&str, &str)]) -> Look {
        of(terminal, |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn only_terminals_are_bold_and_have_a_width() {
        assert_eq!(look(None, &[]), Look::default());
        assert_eq!(look(Some(Some(80)), &[("NO_COLOR", "")]), Look { bold: true, ascii: false, width: Some(80) });
        for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
            assert_eq!(look(Some(None), &[variable]), Look::default());
        }
    }

    #[test]
    fn the_locale_says_which_characters_there_are() {
        let ascii = |variables: &[(&str, &str)]| look(None, variables).ascii;
        assert!(ascii(&[("LANG", "C")]) && ascii(&[("LC_ALL", "POSIX"), ("LANG", "C.UTF-8")]));
        assert!(ascii(&[("LC_CTYPE", "de_DE.ISO-8859-1")]));
        assert!(!ascii(&[("LANG", "en_GB.utf8")]) && !ascii(&[("LC_ALL", ""), ("LC_CTYPE", "UTF-8"), ("LANG", "C")]));
    }
}
