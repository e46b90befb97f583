//! What is asked of a cluster: flags of `sweep submit`, or a file of them that a site or a group keeps.
//!
//! None of it is part of a scenario: the cluster is not part of the experiment.

use std::path::Path;
use std::str::FromStr;

use clap::Args;
use serde::Deserialize;

use crate::exit;
use crate::fault::Fault;

/// Resources and surroundings of every task. What is not given is left to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Request {
    /// Partition, for example short, or short,long
    #[arg(long, value_name = "NAME")]
    pub partition: Option<Word>,
    /// Time limit of a task, for example 4:00:00; a task that reaches it saves its points and queues again
    #[arg(long, value_name = "TIME")]
    pub time: Option<Word>,
    /// Account that pays
    #[arg(long, value_name = "NAME")]
    pub account: Option<Word>,
    /// Quality of service
    #[arg(long, value_name = "NAME")]
    pub qos: Option<Word>,
    /// Memory of a task, for example 2G
    #[arg(long, value_name = "SIZE")]
    pub mem: Option<Word>,
    /// Cores of a task, which works on as many points at a time [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub cpus: Option<u16>,
    /// Features that nodes must have, for example [rack1|rack2]
    #[arg(long, value_name = "LIST")]
    pub constraint: Option<Word>,
    /// Reservation to run in
    #[arg(long, value_name = "NAME")]
    pub reservation: Option<Word>,
    /// Tasks that run at a time, at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrency: Option<u32>,
    /// Warn a task so long before its time limit; it then finishes the point in hand, which must not take longer [default: 120]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub signal_before: Option<u32>,
    /// Another option of sbatch, for example --extra '#SBATCH --mail-type=END'; may be repeated
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    pub extra: Vec<Directive>,
    /// Shell line to run first, for example --setup 'module load gcc'; may be repeated
    #[arg(long, value_name = "LINE")]
    pub setup: Vec<String>,
    /// Environment variable of the tasks; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<Variable>,
}

impl Request {
    /// Reads a file of defaults (TOML): the flags by their names, without hyphens in front.
    ///
    /// ```
    /// let text = "partition = \"short\"\ntime = \"4:00:00\"\nsetup = [\"module load gcc\"]\nenv = [\"RUST_BACKTRACE=1\"]";
    /// let request: isotherm::slurm::Request = toml::from_str(text).unwrap();
    /// assert_eq!(request.partition.unwrap().as_str(), "short");
    /// ```
    ///
    /// # Errors
    /// [`Fault::Unreadable`], and [`Fault::Usage`] with the place of what is wrong in it.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let help = "give a TOML file with flags of `sweep submit`, for example partition = \"short\"";
        let text = std::fs::read_to_string(path).map_err(|source| Fault::Unreadable {
            path: path.to_owned(),
            source,
            help,
            code: exit::USAGE,
        })?;
        let request: Self =
            toml::from_str(&text).map_err(|error| Fault::Usage(format!("{}: {error}", path.display())))?;
        for (key, least, found) in [
            ("cpus", 1, request.cpus.map(u32::from)),
            ("concurrency", 1, request.concurrency),
            ("signal-before", 1, request.signal_before),
        ] {
            if found.is_some_and(|found| found < least) {
                return Err(Fault::Usage(format!("{}: {key} must be at least {least}", path.display())));
            }
        }
        Ok(request)
    }

    /// These flags, and where there is none, the default. Lines and variables are the defaults' first, then these.
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        Self {
            partition: self.partition.or(defaults.partition),
            time: self.time.or(defaults.time),
            account: self.account.or(defaults.account),
            qos: self.qos.or(defaults.qos),
            mem: self.mem.or(defaults.mem),
            cpus: self.cpus.or(defaults.cpus),
            constraint: self.constraint.or(defaults.constraint),
            reservation: self.reservation.or(defaults.reservation),
            concurrency: self.concurrency.or(defaults.concurrency),
            signal_before: self.signal_before.or(defaults.signal_before),
            extra: [defaults.extra, self.extra].concat(),
            setup: [defaults.setup, self.setup].concat(),
            env: [defaults.env, self.env].concat(),
        }
    }
}

/// A value of an `#SBATCH` line. `sbatch` splits such lines at blanks and knows quotes and comments, so none of them may be in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Word(String);

impl Word {
    /// The value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |c: char| c.is_whitespace() || c.is_control() || "#\"'\\".contains(c);
        match text.chars().find(|&c| wrong(c)) {
            _ if text.is_empty() => Err("expected a value, found nothing".to_owned()),
            Some(c) => Err(format!("{c:?} cannot be in a value of an #SBATCH line")),
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// An option of `sbatch` in the user's words, without `#SBATCH` in front.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Directive(String);

impl Directive {
    /// The option as `sbatch` reads it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Directive {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let option = text.strip_prefix("#SBATCH").unwrap_or(text).trim();
        if option.chars().any(char::is_control) {
            return Err("expected one line; give --extra once for each".to_owned());
        }
        if !option.starts_with('-') {
            return Err(format!("expected an option of sbatch, for example '#SBATCH --mail-type=END', found '{text}'"));
        }
        let key = option.split(['=', ' ']).next().unwrap_or(option);
        if OURS.contains(&key) || option.starts_with("-a") {
            return Err(format!("{key} is for isotherm to say: the tasks that are submitted follow from the plan"));
        }
        Ok(Self(option.to_owned()))
    }
}

/// Options that follow from the plan, and that tasks rely on.
const OURS: [&str; 3] = ["--array", "--dependency", "--no-requeue"];

/// An environment variable, `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Variable {
    /// A name that a shell can set.
    pub name: String,
    /// Anything.
    pub value: String,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        match text.split_once('=') {
            Some((name, value))
                if name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit()) =>
            {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err(format!("expected NAME=VALUE, for example RUST_BACKTRACE=1, found '{text}'")),
        }
    }
}

macro_rules! from_text {
    ($($type:ty),*) => {$(
        impl TryFrom<String> for $type {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
    )*};
}
from_text!(Word, Directive, Variable);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_would_become_other_options_are_refused() {
        for text in ["", "short --wrap=evil", "a\nb", "x#y", "'a'", "\"", "a\\b"] {
            assert!(text.parse::<Word>().is_err(), "{text:?}");
        }
        for text in ["short,long", "[rack1|rack2]&fast", "1-00:00:00", "4G", "a*2"] {
            assert_eq!(text.parse::<Word>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn extra_lines_are_options_of_sbatch() {
        for text in ["#SBATCH --mail-type=END", "--mail-type=END", "  --mail-type=END "] {
            assert_eq!(text.parse::<Directive>().unwrap().as_str(), "--mail-type=END");
        }
        for (text, word) in
            [("rm -rf", "expected an option"), ("--a\n--b", "one line"), ("--array=0-9", "follow from the plan")]
        {
            let error = text.parse::<Directive>().unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn variables_have_names_that_a_shell_can_set() {
        let variable: Variable = "A_1=b=c $(d)".parse().unwrap();
        assert_eq!((variable.name.as_str(), variable.value.as_str()), ("A_1", "b=c $(d)"));
        for text in ["", "=x", "1A=x", "A B=x", "A"] {
            assert!(text.parse::<Variable>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn flags_go_before_the_file_of_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("site.toml");
        std::fs::write(&path, "partition = \"long\"\ncpus = 4\nsetup = [\"module load gcc\"]\n").unwrap();
        let flags =
            Request { partition: Some("short".parse().unwrap()), setup: vec!["date".to_owned()], ..Request::default() };
        let both = flags.or(Request::read(&path).unwrap());
        assert_eq!((both.partition.unwrap().as_str(), both.cpus), ("short", Some(4)));
        assert_eq!(both.setup, ["module load gcc", "date"]);

        for (text, word) in
            [("partitoin = \"x\"", "unknown field"), ("time = \"1 h\"", "cannot be in"), ("cpus = 0", "at least 1")]
        {
            std::fs::write(&path, text).unwrap();
            let fault = Request::read(&path).unwrap_err();
            assert!(fault.to_string().contains(word) && fault.code() == exit::USAGE, "{fault}");
        }
    }
}
