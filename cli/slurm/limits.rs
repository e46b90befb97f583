//! What a cluster allows, as `scontrol show config` says it.

use std::path::Path;
use std::time::Duration;

use super::ask::ask;

/// How long the controller may think about its configuration.
const PATIENCE: Duration = Duration::from_secs(30);

/// Limits of a cluster that decide how a sweep is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One more than the largest index of an array task; 0 where there are no arrays.
    pub max_array_size: usize,
    /// Jobs that the controller holds at a time, of all users, each task counted.
    pub max_job_count: usize,
}

impl Default for Limits {
    /// SLURM's own defaults.
    fn default() -> Self {
        Self { max_array_size: 1001, max_job_count: 10_000 }
    }
}

impl Limits {
    /// Asks the cluster that `scontrol` reaches.
    ///
    /// # Errors
    /// One sentence that says why there is no answer, or what was refused.
    pub fn of_cluster() -> Result<Self, String> {
        let arguments = ["show".to_owned(), "config".to_owned()];
        let answer =
            ask("scontrol", &arguments, Path::new("."), PATIENCE).map_err(|silence| silence.explain("scontrol"))?;
        if !answer.accepted {
            return Err(format!("`scontrol show config` says: {}", answer.err.trim()));
        }
        Ok(Self::read(&answer.out))
    }

    /// Reads `key = value` lines; what is not there has SLURM's default.
    ///
    /// ```
    /// let limits = isotherm::slurm::Limits::read("MaxArraySize            = 8\nMaxJobCount = 20000\n");
    /// assert_eq!((limits.max_array_size, limits.most_tasks()), (8, 8));
    /// ```
    #[must_use]
    pub fn read(config: &str) -> Self {
        let value = |key: &str| {
            let mut pairs = config.lines().filter_map(|line| line.split_once('='));
            pairs.find(|(name, _)| name.trim() == key)?.1.trim().parse().ok()
        };
        let default = Self::default();
        Self {
            max_array_size: value("MaxArraySize").unwrap_or(default.max_array_size),
            max_job_count: value("MaxJobCount").unwrap_or(default.max_job_count),
        }
    }

    /// The most tasks that the controller takes beside the merge job that waits for them.
    #[must_use]
    pub fn most_jobs(&self) -> usize {
        self.max_job_count.saturating_sub(1)
    }

    /// The most tasks that one array can have.
    #[must_use]
    pub fn most_tasks(&self) -> usize {
        self.max_array_size.min(self.most_jobs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_read_as_slurm_prints_it() {
        let text = "Configuration data as of 2026-11-26T20:47:00\nAuthInfo = socket=/run/m,cred_expire=5\n\
            MaxArraySize            = 1001\nMaxDBDMsgs              = 80004\nMaxJobCount             = 500\n\
            SLURM_CONF              = /etc/slurm/slurm.conf\n";
        assert_eq!(Limits::read(text), Limits { max_array_size: 1001, max_job_count: 500 });
        assert_eq!(Limits::read("something else"), Limits::default());
    }

    #[test]
    fn tasks_fit_under_both_limits() {
        let most = |max_array_size, max_job_count| Limits { max_array_size, max_job_count }.most_tasks();
        assert_eq!((most(1001, 10_000), most(1001, 11), most(0, 10), most(8, 0)), (1001, 10, 0, 0));
    }
}
