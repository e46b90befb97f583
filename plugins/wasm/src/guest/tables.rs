//! What a module's entry function has answered: every pointer is looked at before it is followed, and no field beyond what the module has
//! filled in.

use isotherm_plugin_abi::ROUTER;
use isotherm_plugin_host::is_plugin_name;

use super::layout::{Fields, Word};
use super::sandbox::Sandbox;
use crate::stop::{Stop, clean};

/// Bytes of the structs of interface 1.0 on wasm32.
const PLUGIN: u32 = 24;
const FACTORY: u32 = 20;
const ROUTER_FUNCTIONS: u32 = 40;

/// More things than any module offers: a larger number is a wrong one.
const MOST_FACTORIES: u32 = 4096;

/// Characters of a wrong name that are shown.
const LONGEST_NAME: usize = 80;

/// The functions of one router: places in the module's table, 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Functions {
    /// [`isotherm_plugin_abi::ADJUSTS_SCORES`] or 0.
    pub(crate) flags: u32,
    pub(crate) configure: u32,
    pub(crate) create: u32,
    pub(crate) route: u32,
    pub(crate) feedback: u32,
    pub(crate) save: u32,
    pub(crate) restore: u32,
}

/// What a module offers.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    pub(crate) manifest: String,
    /// By the module's own order. Other kinds than routers are passed over.
    pub(crate) routers: Vec<(String, Functions)>,
}

/// Why a module's tables cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TablesFault {
    /// The entry function has answered null.
    Refused,
    /// It is for this interface.
    Interface((u16, u16)),
    /// They are not what the interface says.
    Unusable { found: String, expected: String },
    /// A pointer leads nowhere, or the module was stopped.
    Stopped(Stop),
}

impl From<Stop> for TablesFault {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

fn unusable(found: String, expected: &str) -> TablesFault {
    TablesFault::Unusable { found, expected: expected.to_owned() }
}

impl Tables {
    /// Calls the entry function of an instance and reads its answer; `usable` says whether an interface is one of this host.
    pub(crate) fn of(sandbox: &mut Sandbox, usable: impl Fn((u16, u16)) -> bool) -> Result<Self, TablesFault> {
        let entry = sandbox.export::<u32, u32>(isotherm_plugin_abi::ENTRY)?;
        let host = sandbox.callbacks().host;
        let plugin = sandbox.call(&entry, host)?;
        if plugin == 0 {
            return Err(TablesFault::Refused);
        }
        // Every plugin table begins with its size and the numbers of its interface, also those of later interfaces.
        let mut fields = Fields::of(sandbox.bytes(plugin, 8, "a plugin table")?);
        let (size, interface) = (fields.word::<u32>(), (fields.word(), fields.word()));
        if !usable(interface) {
            return Err(TablesFault::Interface(interface));
        }
        if size < PLUGIN {
            return Err(unusable(format!("a plugin table of {size} bytes"), &format!("at least {PLUGIN} bytes")));
        }
        let mut fields = Fields::of(sandbox.bytes(plugin, PLUGIN as usize, "a plugin table")?);
        fields.skip::<u32>(2);
        let (text, length) = (fields.word(), fields.word());
        let (number, factories) = (fields.word::<u32>(), fields.word::<u32>());
        if number > MOST_FACTORIES {
            return Err(unusable(format!("{number} factories"), "a list of what it offers"));
        }
        let mut pointers = vec![0_u32; number as usize];
        u32::get(sandbox.bytes(factories, pointers.len() * 4, "a list of factories")?, &mut pointers);
        let mut routers: Vec<(String, Functions)> = Vec::new();
        for pointer in pointers {
            let Some((name, functions)) = router(sandbox, pointer)? else { continue };
            if routers.iter().any(|(other, _)| *other == name) {
                return Err(unusable(format!("the router `{name}` twice"), "every name once"));
            }
            routers.push((name, functions));
        }
        Ok(Self { manifest: sandbox.text(text, length)?, routers })
    }
}

/// One factory; `None` for another kind than a router.
fn router(sandbox: &Sandbox, factory: u32) -> Result<Option<(String, Functions)>, TablesFault> {
    let bytes = sized(sandbox, factory, FACTORY, "a factory")?;
    let mut fields = Fields::of(bytes);
    fields.skip::<u32>(1);
    if fields.word::<u32>() != ROUTER {
        return Ok(None);
    }
    let name = sandbox.text(fields.word(), fields.word())?;
    if !is_plugin_name(&name) {
        let expected = "lower-case letters, digits and hyphens around one slash, such as `acme/cool-first`";
        return Err(unusable(format!("a router with the name `{}`", clean(&name, LONGEST_NAME)), expected));
    }
    let functions = functions(sandbox, &name, fields.word())?;
    Ok(Some((name, functions)))
}

fn functions(sandbox: &Sandbox, name: &str, table: u32) -> Result<Functions, TablesFault> {
    let mut fields = Fields::of(sized(sandbox, table, ROUTER_FUNCTIONS, "a table of functions")?);
    fields.skip::<u32>(1);
    let (flags, configure, create, destroy) = (fields.word(), fields.word(), fields.word(), fields.word::<u32>());
    let (route, feedback, save, restore) = (fields.word(), fields.word(), fields.word(), fields.word());
    for (function, what) in [(create, "create"), (destroy, "destroy"), (route, "route")] {
        if function == 0 {
            return Err(unusable(format!("the router `{name}` with no function `{what}`"), "one"));
        }
    }
    if (save == 0) != (restore == 0) {
        let found = if restore == 0 { "save and no restore" } else { "restore and no save" };
        return Err(unusable(format!("the router `{name}` with {found}"), "both functions or neither"));
    }
    Ok(Functions { flags, configure, create, route, feedback, save, restore })
}

/// A struct that begins with its size, as far as interface 1.0 knows it.
fn sized<'s>(sandbox: &'s Sandbox, at: u32, needed: u32, what: &'static str) -> Result<&'s [u8], TablesFault> {
    let size: u32 = Fields::of(sandbox.bytes(at, 4, what)?).word();
    if size < needed {
        return Err(unusable(format!("{what} of {size} bytes"), &format!("at least {needed} bytes")));
    }
    Ok(sandbox.bytes(at, needed as usize, what)?)
}
