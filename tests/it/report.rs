//! `isotherm report`: the page in a real browser, from hostile names and from folders that lack something.

mod browser;
mod command;
mod hostile;
mod missing;
