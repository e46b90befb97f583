//! Fetches the page of an exporter over plain HTTP.

use std::io;
use std::time::Duration;

use ureq::http::Uri;
use ureq::{Agent, Body, Error, http};

/// A page of a thousand GPUs is less than half of it.
const LARGEST: u64 = 16 << 20;
const EXAMPLE: &str = "http://localhost:9400/metrics";

/// One address and how long to wait for it.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    url: String,
    patience: Duration,
}

impl Client {
    /// Checks the address; nothing is asked yet. An address without a path means `/metrics`.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(super) fn new(url: &str, patience: Duration) -> Result<Self, String> {
        let url = url.trim();
        let is = |scheme: &str| url.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
        if is("https://") {
            return Err(format!(
                "https is not spoken; expected an address with http, for example {EXAMPLE}: ask the exporter itself, or through a tunnel that ends here"
            ));
        }
        if !is("http://") {
            return Err(format!("no address with http://; expected one such as {EXAMPLE}"));
        }
        let uri: Uri = url.parse().map_err(|fault| format!("no address ({fault}); expected one such as {EXAMPLE}"))?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(format!(
                "names and passwords are not sent; expected an address without, for example {EXAMPLE}"
            ));
        }
        let mut url = url.to_owned();
        if uri.path_and_query().is_none_or(|path| path.as_str() == "/") {
            url = format!("{}/metrics", url.trim_end_matches('/'));
        }
        let agent = Agent::config_builder()
            .timeout_connect(Some(patience))
            .timeout_global(Some(patience))
            // Exporters are neighbours.
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .accept("text/plain; version=0.0.4")
            .user_agent(concat!("isotherm/", env!("CARGO_PKG_VERSION")))
            // A kept connection may have died between two polls.
            .max_idle_connections(0)
            .build()
            .new_agent();
        Ok(Self { agent, url, patience })
    }

    /// The address that is asked.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The page as it is now.
    ///
    /// # Errors
    /// Why there is none, and what would help.
    pub(super) fn fetch(&self) -> Result<String, String> {
        let mut response = self.agent.get(&self.url).call().map_err(|fault| self.explain(fault))?;
        refuse_status(&response)?;
        let body = response.body_mut().with_config().limit(LARGEST).read_to_vec();
        String::from_utf8(body.map_err(|fault| self.explain(fault))?)
            .map_err(|_| format!("the page is no text; expected metrics in Prometheus's text format, as at {EXAMPLE}"))
    }

    fn explain(&self, fault: Error) -> String {
        match fault {
            Error::Timeout(_) => {
                format!("no full answer within {:?}; is the address right, and the exporter at work?", self.patience)
            }
            Error::HostNotFound => "there is no host of this name".to_owned(),
            Error::BodyExceedsLimit(most) => {
                format!("the page is longer than {} MiB, which no exporter's is", most >> 20)
            }
            Error::Io(fault) if fault.kind() == io::ErrorKind::ConnectionRefused => {
                "nobody listens there; is the exporter running, and on this port? DCGM's listens on 9400".to_owned()
            }
            Error::Io(fault) if fault.kind() == io::ErrorKind::UnexpectedEof => {
                "the connection was closed before the page was complete; the next poll tries again".to_owned()
            }
            other => format!("{other}; is this an exporter, and its address right?"),
        }
    }
}

/// Anything but 200 is no page of metrics.
fn refuse_status(response: &http::Response<Body>) -> Result<(), String> {
    let status = response.status();
    let advice = match status.as_u16() {
        200 => return Ok(()),
        300..=399 => match response.headers().get("location").and_then(|place| place.to_str().ok()) {
            Some(place) => format!("it sends on to {place}; give that address if it is the exporter"),
            None => "it sends on to nowhere".to_owned(),
        },
        401 | 403 => "it asks for a right that isotherm does not send; ask the exporter itself".to_owned(),
        404 => format!("there is no such page; exporters have theirs at /metrics, for example {EXAMPLE}"),
        500..=599 => "the exporter itself failed; its log tells why, and the next poll tries again".to_owned(),
        _ => format!("expected 200 and metrics, as at {EXAMPLE}"),
    };
    Err(format!("answers {status}: {advice}"))
}
