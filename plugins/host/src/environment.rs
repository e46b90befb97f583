//! Where this computer and this user keep plugins, as values: whoever searches is told, and reads no variables itself.

use std::ffi::OsString;
use std::path::PathBuf;

/// The variable with folders and files to look in, in the form of `PATH`.
pub const PLUGIN_PATH: &str = "ISOTHERM_PLUGIN_PATH";

/// What the environment says about plugins.
///
/// ```
/// use isotherm_plugin_host::Environment;
/// let environment = Environment { home: Some("ann".into()), ..Environment::default() };
/// if cfg!(target_os = "linux") {
///     assert_eq!(environment.data_folder(), Some("ann/.local/share/isotherm/plugins".into()));
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// [`PLUGIN_PATH`].
    pub plugin_path: Option<OsString>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// The user's data folder where a variable names it: `XDG_DATA_HOME`, on Windows `APPDATA`.
    pub data_home: Option<PathBuf>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let data_home = if cfg!(windows) { "APPDATA" } else { "XDG_DATA_HOME" };
        // Relative folders are to be ignored, says the specification of the variable.
        let absolute = |path: &PathBuf| path.is_absolute();
        Self {
            plugin_path: std::env::var_os(PLUGIN_PATH).filter(|path| !path.is_empty()),
            home: std::env::home_dir().filter(absolute),
            data_home: std::env::var_os(data_home).map(PathBuf::from).filter(absolute),
        }
    }

    /// The user's own folder for plugins; `None` where the user has no home.
    #[must_use]
    pub fn data_folder(&self) -> Option<PathBuf> {
        let otherwise = if cfg!(target_vendor = "apple") {
            "Library/Application Support"
        } else if cfg!(windows) {
            "AppData/Roaming"
        } else {
            ".local/share"
        };
        let data_home = self.data_home.clone().or_else(|| Some(self.home.as_ref()?.join(otherwise)))?;
        Some(data_home.join("isotherm").join("plugins"))
    }

    /// The folders and files of [`PLUGIN_PATH`]. Empty entries are left out: elsewhere they mean the current directory, which is never
    /// searched.
    #[must_use]
    pub fn plugin_path(&self) -> Vec<PathBuf> {
        let path = self.plugin_path.as_deref().unwrap_or_default();
        std::env::split_paths(path).filter(|entry| !entry.as_os_str().is_empty()).collect()
    }
}
