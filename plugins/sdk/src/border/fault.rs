//! Why a call has failed, as the other side is told.

use isotherm_core::load::LoadError;
use isotherm_core::placement::PlacementError;
use isotherm_core::router::RouterError;
use isotherm_core::telemetry::TelemetryError;
use isotherm_plugin_abi::{ABI, CONFIG, ErrorSink, FAILED, STATE, Status, Str};

/// A status, and one sentence with the option it is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) status: Status,
    /// JSON pointer into the options, or empty.
    pub(crate) pointer: String,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, pointer: String::new(), message: message.into() }
    }

    /// The caller has broken the interface.
    pub(crate) fn abi(message: impl Into<String>) -> Self {
        Self::new(ABI, message)
    }

    /// An option is wrong, by its key.
    fn option(option: &str, message: String) -> Self {
        Self { status: CONFIG, pointer: step(option), message }
    }

    /// Tells a caller that wants to know.
    pub(crate) fn report(&self, sink: *const ErrorSink) {
        #[expect(unsafe_code, reason = "a call to the host")]
        // SAFETY: a sink that is not null is valid during the call it was handed to; both texts outlive this call.
        unsafe {
            if let Some(sink) = sink.as_ref() {
                (sink.report)(sink.ctx, Str::new(&self.pointer), Str::new(&self.message));
            }
        }
    }
}

/// One step of a JSON pointer (RFC 6901).
pub(crate) fn step(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

impl From<RouterError> for Fault {
    fn from(error: RouterError) -> Self {
        match error {
            RouterError::Option { option, message } => Self::option(option, message),
            RouterError::State(message) => Self::new(STATE, message),
            RouterError::Failed(message) => Self::new(FAILED, message),
            other => Self::new(FAILED, other.to_string()),
        }
    }
}

impl From<TelemetryError> for Fault {
    fn from(error: TelemetryError) -> Self {
        match error {
            TelemetryError::Option { option, message } => Self::option(option, message),
            TelemetryError::State(message) => Self::new(STATE, message),
            other => Self::new(FAILED, other.to_string()),
        }
    }
}

impl From<PlacementError> for Fault {
    fn from(error: PlacementError) -> Self {
        match error {
            PlacementError::Option { option, message } => Self::option(option, message),
            other => Self::new(FAILED, other.to_string()),
        }
    }
}

impl From<LoadError> for Fault {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unfit(message) => Self::new(CONFIG, message),
            LoadError::Failed(message) => Self::new(FAILED, message),
            other => Self::new(FAILED, other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_becomes_a_json_pointer() {
        let error = RouterError::Option { option: "a/b~c", message: "is odd".to_owned() };
        assert_eq!(
            Fault::from(error),
            Fault { status: CONFIG, pointer: "/a~1b~0c".to_owned(), message: "is odd".to_owned() }
        );
    }
}
