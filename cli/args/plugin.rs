//! The command line of `isotherm plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Libraries;

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// Write a plugin that works: in Rust a crate with a router, its tests, a scenario and what a CI needs; in C a file and a Makefile
    New(PluginNew),
    /// Every library that is found and what it offers; of the unusable ones why
    List(PluginList),
    /// Options, their schema, and documentation of a plugin
    Inspect(PluginInspect),
    /// Does a plugin keep its contract? Every case runs in a process of its own, with a time limit
    Check(PluginCheck),
    /// What a plugin's router costs beside the built-in baseline, in one run
    Bench(PluginBench),
    /// One case of `check`, in this process
    #[command(hide = true)]
    CheckOne(PluginCase),
    /// What a library says of itself, as JSON, in this process
    #[command(hide = true)]
    Describe {
        /// The library
        file: PathBuf,
    },
}

/// Options of `plugin new`.
#[derive(Debug, Args)]
pub struct PluginNew {
    /// What scenarios will call it: `owner/name`, for example acme/cool-first
    pub name: String,
    /// Language of the plugin
    #[arg(long, value_name = "LANGUAGE", default_value = "rust")]
    pub lang: Language,
    /// Folder to write [default: the part of the name after the slash]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Folder of isotherm's sources [default: those this program was built from, else the published crates]
    #[arg(long, value_name = "DIR")]
    pub sources: Option<PathBuf>,
}

/// Languages that templates are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// One trait and one macro line.
    Rust,
    /// The C header and a table of functions.
    C,
}

/// Options of `plugin list`.
#[derive(Debug, Args)]
pub struct PluginList {
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
    /// Look where this scenario would look, too
    #[arg(long, value_name = "SCENARIO")]
    pub scenario: Option<PathBuf>,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `plugin inspect`.
#[derive(Debug, Args)]
pub struct PluginInspect {
    /// Library, or the name of something that a library which is found offers
    #[arg(value_name = "FILE|NAME")]
    pub subject: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "its fields are documented")]
    pub libraries: Libraries,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `plugin check`.
#[derive(Debug, Args)]
pub struct PluginCheck {
    /// Library
    pub file: PathBuf,
    /// Only cases whose name contains this; may be repeated
    #[arg(long, value_name = "PART")]
    pub case: Vec<String>,
    /// Only what is offered under this name; may be repeated
    #[arg(long, value_name = "NAME")]
    pub item: Vec<String>,
    /// Options of something as JSON, where its manifest has no example of use here: `{"file": "a.csv"}`, or `acme/a={"file": "a.csv"}` in a library of
    /// several; may be repeated
    #[arg(long, value_name = "[NAME=]JSON")]
    pub options: Vec<String>,
    /// Seed of everything that is drawn; a failure says which one it had
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub seed: u64,
    /// Seconds a case may take
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub limit: u64,
    /// Accept a plugin that was built with panic = "abort"
    #[arg(long)]
    pub allow_abort: bool,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

/// One case of `check`.
#[derive(Debug, Args)]
pub struct PluginCase {
    /// Everything that the checker hands on
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<std::ffi::OsString>,
}

/// Options of `plugin bench`.
#[derive(Debug, Args)]
pub struct PluginBench {
    /// Library
    pub file: PathBuf,
    /// Only the router of this name
    #[arg(long, value_name = "NAME")]
    pub item: Option<String>,
    /// Options of the router as JSON [default: the example of its manifest]
    #[arg(long, value_name = "JSON")]
    pub options: Option<String>,
    /// Rounds to measure; every router has its turn in each
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(3..=100_000))]
    pub rounds: u32,
    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}
