//! `scenario.resolved.toml`: the scenario as it was run, every default written out.

/// The resolved scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The file as it is.
    pub text: String,
    /// The same, parsed.
    pub table: toml::Table,
}

impl Scenario {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong with the text, in one line.
    pub(super) fn parse(text: String) -> Result<Self, String> {
        let table = text.parse::<toml::Table>().map_err(|error| error.message().to_owned())?;
        Ok(Self { text, table })
    }

    /// The value at a path of keys; `None` where there is none.
    ///
    /// ```
    /// # use isotherm_report::results::Scenario;
    /// let text = "[hardware]\ngpus = 8\n".to_owned();
    /// let scenario = Scenario { table: text.parse().unwrap(), text };
    /// assert_eq!(scenario.get(&["hardware", "gpus"]).and_then(toml::Value::as_integer), Some(8));
    /// assert_eq!(scenario.get(&["hardware", "fans"]), None);
    /// ```
    #[must_use]
    pub fn get(&self, path: &[&str]) -> Option<&toml::Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.table.get(*first)?, |value, key| value.get(key))
    }
}
