//! What a case may find: a fault of the plugin, a reason why the case does not apply, or a call that did not succeed.

use std::fmt;

use isotherm_plugin_abi::{self as abi, Status};

/// How a case ends if not well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The plugin breaks a promise.
    Fault(String),
    /// The case does not apply.
    NotApplicable(String),
    /// A call answered with a status other than OK; a fault unless the case expects it.
    Refused(Refused),
}

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The function.
    pub(crate) call: &'static str,
    /// What it answered.
    pub(crate) status: Status,
    /// What it reported.
    pub(crate) said: String,
}

/// What a case or a part of it comes to.
pub(crate) type Checked<T = ()> = Result<T, Finding>;

/// Ends a case with a fault of the plugin.
pub(crate) fn fault<T>(what: impl Into<String>) -> Checked<T> {
    Err(Finding::Fault(what.into()))
}

impl Finding {
    /// The status of a call that did not succeed.
    pub(crate) fn status(&self) -> Option<Status> {
        if let Self::Refused(refused) = self { Some(refused.status) } else { None }
    }

    /// This finding with what led to it in front.
    pub(crate) fn while_in(self, place: impl fmt::Display) -> Self {
        match self {
            Self::NotApplicable(_) => self,
            _ => Self::Fault(format!("{place}: {self}")),
        }
    }
}

/// Makes a status a finding; `said` is what the plugin reported.
pub(crate) fn succeeded(call: &'static str, status: Status, said: impl FnOnce() -> String) -> Checked {
    if status == abi::OK { Ok(()) } else { Err(Finding::Refused(Refused { call, status, said: said() })) }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(what) | Self::NotApplicable(what) => f.write_str(what),
            Self::Refused(Refused { call, status, said }) => {
                write!(f, "`{call}` answered {}", status_name(*status))?;
                if said.is_empty() { f.write_str(" and said nothing") } else { write!(f, ": {said}") }
            }
        }
    }
}

/// The name of a status as authors know it.
pub(crate) fn status_name(status: Status) -> String {
    match status {
        abi::OK => "OK".to_owned(),
        abi::FAILED => "FAILED".to_owned(),
        abi::PANIC => "PANIC".to_owned(),
        abi::ABI => "ABI".to_owned(),
        abi::CONFIG => "CONFIG".to_owned(),
        abi::STATE => "STATE".to_owned(),
        abi::UNSUPPORTED => "UNSUPPORTED".to_owned(),
        other => format!("the unknown status {other}"),
    }
}
