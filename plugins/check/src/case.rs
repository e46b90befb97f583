//! The cases: what each promises, for which kinds of things, and how a command line names one.

mod answers;
mod library;
mod options;
mod panics;
mod repeat;
mod resources;
mod shapes;
mod state;

use std::fmt;
use std::str::FromStr;

use isotherm_plugin_host::Kind;

use crate::finding::Checked;
use crate::subject::Subject;

/// One conformance test.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// How command lines and reports name it: lower-case letters and hyphens.
    pub name: &'static str,
    /// What a plugin that passes keeps.
    pub promise: &'static str,
    /// Kinds of things that it applies to.
    pub kinds: &'static [Kind],
    pub(crate) check: Check,
}

/// How a case is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// In one process.
    Once(fn(&Subject) -> Checked),
    /// In two, the second under other circumstances; what comes out is compared.
    Compared(fn(&Subject) -> Checked<String>),
}

impl Case {
    /// The case of this name.
    ///
    /// ```
    /// use isotherm_plugin_check::Case;
    /// assert!(Case::named("bounds-after").is_some_and(|case| case.promise.contains("end")));
    /// assert!(Case::named("luck").is_none());
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }
}

use Check::{Compared, Once};
const ALL: &[Kind] = &Kind::ALL;
/// What is determined by its inputs and has to do with time in a model only. A load measures, has no state, knows no host of 1.0, keeps the threads
/// and the memory of its device's libraries, and its options may ask for what this machine does not have.
const SIMULATED: &[Kind] = &[Kind::Router, Kind::Telemetry, Kind::Placement];
const ROUTER: &[Kind] = &[Kind::Router];
const PLACES: &[Kind] = &[Kind::Router, Kind::Placement];
const REMEMBERS: &[Kind] = &[Kind::Router, Kind::Telemetry];

const fn case(name: &'static str, kinds: &'static [Kind], check: Check, promise: &'static str) -> Case {
    Case { name, promise, kinds, check }
}

/// The case without which no other can run.
pub(crate) const OPENS: &str = "opens";
/// The case without which no case behind it can run.
pub(crate) const INSTANCE: &str = "instance";
/// The case that a plan may leave out.
pub(crate) const PANIC_MODE: &str = "panic-mode";

/// All cases in the order in which they run.
pub const CASES: &[Case] = &[
    case(OPENS, ALL, Once(library::opens), "opens; label and tables agree"),
    case("manifest", ALL, Once(library::manifest), "the manifest names what is offered, with a schema that is one"),
    case(PANIC_MODE, ALL, Once(library::panic_mode), "a panic unwinds, so that it ends one run and not the process"),
    case("other-major", ALL, Once(library::other_major), "refuses a host of another first number"),
    case("tables", ALL, Once(library::tables), "tables state their own sizes and numbers"),
    case(INSTANCE, ALL, Once(options::instance), "makes an instance with its example"),
    case("options", ALL, Once(options::options), "resolved options mean the same"),
    case(
        "schema",
        SIMULATED,
        Once(options::schema),
        "accepts what its schema calls right, refuses what it calls wrong",
    ),
    case("malformed-options", ALL, Once(options::malformed), "refuses options that are none, and says why"),
    case("answers", ALL, Once(answers::answers), "answers keep the rules"),
    case("bounds-after", ALL, Once(answers::bounds_after), "touches nothing behind the end of a buffer"),
    case("bounds-before", ALL, Once(answers::bounds_before), "touches nothing before the start of a buffer"),
    case("read-only-inputs", ALL, Once(answers::read_only), "does not write to inputs, nor keep them after the call"),
    case("older-host", SIMULATED, Once(answers::older_host), "works in a host of interface 1.0"),
    case("newer-host", ALL, Once(answers::newer_host), "works in a host of a later interface"),
    case("little-known", SIMULATED, Once(answers::little_known), "works where the host knows nothing of the hardware"),
    case("no-tokens", ROUTER, Once(shapes::no_tokens), "routes a batch without tokens"),
    case("one-expert", PLACES, Once(shapes::one_expert), "works with one expert"),
    case("all-experts", ROUTER, Once(shapes::all_experts), "works where every token goes to all experts"),
    case("many-experts", PLACES, Once(shapes::many_experts), "works with 256 and 4096 experts"),
    case("one-device", ALL, Once(shapes::one_device), "works with one GPU"),
    case("many-devices", SIMULATED, Once(shapes::many_devices), "works with 1024 GPUs"),
    case(
        "extreme-logits",
        ROUTER,
        Once(shapes::extreme_logits),
        "largest, equal and masked logits give weights that are numbers",
    ),
    case(
        "shared-options",
        ROUTER,
        Once(shapes::shared_options),
        "works with a floor, similar experts and penalised weights",
    ),
    case("feedback", ROUTER, Once(shapes::feedback), "learns from batches in which experts did nothing"),
    case("repeatable", SIMULATED, Compared(repeat::repeatable), "the same in every instance, process and year"),
    case("independent", ALL, Once(repeat::independent), "instances do not see each other"),
    case("parallel", ALL, Once(repeat::parallel), "instances on four threads answer as one after the other"),
    case("save-restore", SIMULATED, Once(state::save_restore), "a restored instance goes on as the saved one"),
    case("hostile-state", REMEMBERS, Once(state::hostile_state), "refuses cut-off states and survives nonsense"),
    case(
        "leak-per-instance",
        SIMULATED,
        Once(resources::leak_per_instance),
        "a destroyed instance leaves no memory behind",
    ),
    case("leak-per-call", SIMULATED, Once(resources::leak_per_call), "does not grow from call to call"),
    case("freed-memory", SIMULATED, Once(resources::freed_memory), "does not touch memory that it has freed"),
    case("stray-threads", SIMULATED, Once(resources::stray_threads), "no thread outlives its instance"),
    case("floating-point", ALL, Once(resources::floating_point), "leaves the floating-point control word as it was"),
    case(
        "after-panic",
        SIMULATED,
        Once(panics::after_panic),
        "an instance that has panicked says so, and others live on",
    ),
];

/// One process of a case, as a command line names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    pub(crate) case: &'static Case,
    /// Whether it is the second process of a case that compares two.
    pub(crate) elsewhere: bool,
}

/// What the second process of a case adds to its name.
const ELSEWHERE: &str = "@elsewhere";

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.case.name, if self.elsewhere { ELSEWHERE } else { "" })
    }
}

impl FromStr for Visit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, elsewhere) = text.strip_suffix(ELSEWHERE).map_or((text, false), |name| (name, true));
        Case::named(name).map(|case| Self { case, elsewhere }).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_plain_and_different() {
        let names: BTreeSet<_> = CASES.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), CASES.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        assert_eq!(CASES[0].name, OPENS);
        assert!(Case::named(INSTANCE).is_some() && Case::named(PANIC_MODE).is_some());
    }

    proptest! {
        #[test]
        fn a_visit_is_read_as_it_is_written(index in 0..CASES.len(), elsewhere: bool) {
            let visit = Visit { case: &CASES[index], elsewhere };
            let read: Visit = visit.to_string().parse().unwrap();
            prop_assert_eq!((read.case.name, read.elsewhere), (visit.case.name, elsewhere));
        }

        #[test]
        fn no_name_makes_it_panic(text in "[a-z@-]{0,20}(@elsewhere)?", other: String) {
            let _ = text.parse::<Visit>();
            prop_assert!(other.parse::<Visit>().is_err() || Case::named(&other).is_some());
        }
    }
}
