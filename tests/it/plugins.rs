//! Plugins as users and authors meet them: through scenario files, the program, and libraries that were built on their own.

pub(crate) mod built;
mod check;
mod commands;
mod examples;
mod kept;
mod modules;
mod options;
mod panics;
mod template;
mod twins;
