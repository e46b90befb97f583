//! `isotherm plugin new`: a plugin that works, to be changed into one's own.

use std::path::{Path, PathBuf};

use isotherm_plugin_host::is_plugin_name;

use crate::args::{Language, PluginNew};
use crate::exit::{self, Code};
use crate::fault::Fault;

/// Path in the new folder and text with `{{words}}` to be filled in.
type Template = &'static [(&'static str, &'static str)];

const RUST: Template = &[
    ("Cargo.toml", include_str!("template/rust/Cargo.toml")),
    ("src/lib.rs", include_str!("template/rust/router.rs")),
    ("scenario.toml", include_str!("template/rust/scenario.toml")),
    ("README.md", include_str!("template/rust/README.md")),
    (".gitignore", include_str!("template/rust/gitignore")),
    (".github/workflows/ci.yml", include_str!("template/rust/github/ci.yml")),
];

const C: Template =
    &[("plugin.c", include_str!("template/c/plugin.c")), ("Makefile", include_str!("template/c/Makefile"))];

/// The sources this program was built from, if they are still there.
const BUILT_FROM: &str = env!("CARGO_MANIFEST_DIR");

pub(super) fn run(options: &PluginNew) -> Result<Code, Fault> {
    if !is_plugin_name(&options.name) {
        return Err(Fault::Usage(format!(
            "`{}` is no name for a plugin; expected owner/name in lower-case letters, digits and hyphens, for example acme/cool-first",
            options.name
        )));
    }
    let name = options.name.split_once('/').map_or(options.name.as_str(), |(_, name)| name);
    let folder = options.path.clone().unwrap_or_else(|| PathBuf::from(name));
    if folder.exists() {
        return Err(Fault::Usage(format!(
            "{} exists already; choose another folder with --path DIR",
            folder.display()
        )));
    }
    let words = Words::of(options, name)?;
    let template = match options.lang {
        Language::Rust => RUST,
        Language::C => C,
    };
    for (path, text) in template {
        write(&folder.join(path), &words.fill(text))?;
    }
    let next = match options.lang {
        Language::Rust => "cargo test && cargo build --release",
        Language::C => "make",
    };
    if let Some(sources) = &words.sources {
        tell!(
            "note: it depends on isotherm's sources in {}; before you publish it, name a version instead",
            sources.display()
        );
    }
    tell!("wrote {}; next:", folder.display());
    super::super::print(&format!("cd {} && {next}\nisotherm plugin check {}\n", folder.display(), words.library))?;
    Ok(exit::SUCCESS)
}

/// What is filled in.
struct Words {
    name: String,
    crate_name: String,
    type_name: String,
    library: String,
    sdk: String,
    include: String,
    /// Where isotherm's sources are, if the new plugin depends on them.
    sources: Option<PathBuf>,
}

impl Words {
    fn of(options: &PluginNew, name: &str) -> Result<Self, Fault> {
        let sources = sources(options)?;
        let sdk = match &sources {
            Some(folder) => format!("{{ path = {:?} }}", folder.join("plugins/sdk").display().to_string()),
            None => format!("{:?}", env!("CARGO_PKG_VERSION")),
        };
        let include = sources
            .as_ref()
            .map_or_else(|| "include".to_owned(), |folder| folder.join("plugins/abi/include").display().to_string());
        let library = match options.lang {
            Language::Rust => Path::new("target/release").join(library_file(name)),
            Language::C => PathBuf::from(library_file(name)),
        };
        Ok(Self {
            name: options.name.clone(),
            crate_name: name.to_owned(),
            type_name: camel_case(name),
            library: library.display().to_string(),
            sdk,
            include,
            sources,
        })
    }

    fn fill(&self, text: &str) -> String {
        [
            ("name", &self.name),
            ("crate", &self.crate_name),
            ("type", &self.type_name),
            ("library", &self.library),
            ("sdk", &self.sdk),
            ("include", &self.include),
            ("description", &format!("{}, a routing strategy for isotherm", self.name)),
        ]
        .iter()
        .fold(text.to_owned(), |text, (word, value)| text.replace(&format!("{{{{{word}}}}}"), value))
    }
}

/// Where isotherm's own sources are: as asked for, or where this program was built.
fn sources(options: &PluginNew) -> Result<Option<PathBuf>, Fault> {
    let is_there = |folder: &Path| folder.join("plugins/sdk/Cargo.toml").is_file();
    match &options.sources {
        Some(folder) if is_there(folder) => std::path::absolute(folder)
            .map(Some)
            .map_err(|error| Fault::Usage(format!("--sources {}: {error}", folder.display()))),
        Some(folder) => Err(Fault::Usage(format!(
            "--sources {}: there is no plugins/sdk in it; give the folder of a clone of isotherm",
            folder.display()
        ))),
        None => Ok(Some(PathBuf::from(BUILT_FROM)).filter(|folder| is_there(folder))),
    }
}

/// What cargo and the template's Makefile call the library of a crate here.
fn library_file(name: &str) -> String {
    let (before, after) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    format!("{before}{}{after}", name.replace('-', "_"))
}

/// `cool-first` as the name of a type. A type does not begin with a digit.
fn camel_case(name: &str) -> String {
    let parts = name.split('-').filter(|part| !part.is_empty());
    let joined: String = parts.map(|part| part[..1].to_uppercase() + &part[1..]).collect();
    if joined.starts_with(|c: char| c.is_ascii_digit()) { format!("Router{joined}") } else { joined }
}

fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|error| Fault::unwritable(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_rust_names_them() {
        assert_eq!(camel_case("cool-first"), "CoolFirst");
        assert_eq!(camel_case("2-pass"), "Router2Pass");
    }

    #[test]
    fn every_word_of_the_templates_is_filled_in() {
        let options = PluginNew { name: "acme/cool-first".to_owned(), lang: Language::Rust, path: None, sources: None };
        let words = Words::of(&options, "cool-first").unwrap();
        for (path, text) in RUST.iter().chain(C) {
            let filled = words.fill(text);
            assert!(!filled.contains("{{") || path.ends_with("plugin.c"), "{path}: {filled}");
        }
    }
}
