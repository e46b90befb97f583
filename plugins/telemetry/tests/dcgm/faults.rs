//! Everything that can be wrong at the other end: each is told with what would help, and the next poll tries again.

use std::net::TcpListener;
use std::time::Duration;

use isotherm_recording::{Meter, MeterError, Signal};
use isotherm_telemetry::dcgm::DcgmMeter;

use crate::exporter::{Exporter, Reply};
use crate::page;

/// More than any answer takes here.
const PATIENCE: Duration = Duration::from_secs(60);
/// For those that never answer.
const IMPATIENCE: Duration = Duration::from_secs(2);
const ROW: &str = "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\"} 45\n";

/// Opens, or says why not.
fn open(url: &str) -> Result<DcgmMeter, String> {
    open_within(url, PATIENCE)
}

fn open_within(url: &str, patience: Duration) -> Result<DcgmMeter, String> {
    DcgmMeter::open_within(url, patience).map_err(|fault| {
        assert!(matches!(fault, MeterError::Unavailable { .. }), "{fault:?}");
        fault.to_string()
    })
}

/// What goes wrong, how long to wait for it, and what is said of it.
fn faults() -> Vec<(Reply, Duration, &'static str)> {
    let text = "text/plain; version=0.0.4";
    let cut = |framing: &str, body: &str| Reply::raw(&format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{body}"));
    let answers = [
        (
            Reply::answer("500 Internal Server Error", text, "boom"),
            "answers 500 Internal Server Error: the exporter itself failed; its log",
        ),
        (Reply::answer("503 Service Unavailable", text, ROW), "answers 503 Service Unavailable: "),
        (
            Reply::answer("404 Not Found", "text/html", "<html>no</html>"),
            "answers 404 Not Found: there is no such page; exporters have theirs at /metrics",
        ),
        (Reply::answer("401 Unauthorized", text, ""), "answers 401 Unauthorized: it asks for a right"),
        (
            Reply::raw("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n"),
            "answers 302 Found: it sends on to http://127.0.0.1:1/x; give that address",
        ),
        (Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"), "answers 204 No Content: expected 200 and metrics"),
        (
            Reply::answer("200 OK", "text/html", "<html><a href=\"./metrics\">Metrics</a></html>"),
            "found a web page; expected metrics",
        ),
        (Reply::answer("200 OK", "application/json", "{\"status\": \"success\"}\n"), "line 1 is no metric: "),
        (Reply::answer("200 OK", text, ""), "the page is empty; "),
        (Reply::answer("200 OK", text, "node_load1 0.5\n"), "1 metrics, but none of a GPU; "),
        (cut("Content-Length: 5000", ROW), "the connection was closed before the page was complete"),
        (
            cut("Transfer-Encoding: chunked", "40\r\nDCGM_FI_DEV"),
            "the connection was closed before the page was complete",
        ),
        (cut("Connection: close", "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\"} 69"), "the page ends in the middle of line 1"),
        (
            Reply::Bytes([b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".as_slice(), &[0xff, 0xfe, 0x0a]].concat()),
            "the page is no text; ",
        ),
        (Reply::raw(""), "the connection was closed before the page was complete"),
        (Reply::raw("SSH-2.0-OpenSSH_9.6\r\n"), "is this an exporter, and its address right?"),
    ];
    let silence = "no full answer within 2s; is the address right, and the exporter at work?";
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{ROW}").into_bytes();
    let stalls = [Vec::new(), cut].map(|begin| (Reply::Stall(begin), IMPATIENCE, silence));
    answers.map(|(reply, told)| (reply, PATIENCE, told)).into_iter().chain(stalls).collect()
}

#[test]
fn every_fault_is_told_when_opened() {
    for (reply, patience, expected) in faults() {
        let exporter = Exporter::start(vec![reply]);
        let fault = open_within(&exporter.url(), patience).err().unwrap();
        assert!(fault.starts_with(&format!("{}: not available (", exporter.url())), "{fault}");
        assert!(fault.contains(expected), "expected {expected:?}: {fault}");
    }
}

#[test]
fn every_fault_passes_and_the_next_poll_reads_again() {
    for (reply, patience, expected) in faults() {
        let exporter = Exporter::start(vec![Reply::page(ROW), reply, Reply::page(ROW)]);
        let mut meter = open_within(&exporter.url(), patience).unwrap();
        let mut readings = Vec::new();
        let fault = meter.read(&mut readings).unwrap_err();
        assert!(matches!(fault, MeterError::Broken { .. }), "{fault:?}");
        assert!(fault.to_string().contains(expected), "expected {expected:?}: {fault}");
        assert_eq!(readings, [], "nothing is left of the poll before");
        meter.read(&mut readings).unwrap();
        assert_eq!(readings[0].value(Signal::Temperature), Some(45));
    }
}

#[test]
fn a_page_without_end_is_given_up() {
    let mut endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    endless.resize((16 << 20) + 4096, b'\n');
    let exporter = Exporter::start(vec![Reply::Bytes(endless)]);
    let fault = open(&exporter.url()).err().unwrap();
    assert!(fault.contains("the page is longer than 16 MiB"), "{fault}");
}

#[test]
fn the_wrong_type_of_content_does_not_matter_if_the_text_is_right() {
    let exporter = Exporter::start(vec![Reply::answer("200 OK", "application/octet-stream", &page("exporter-4.txt"))]);
    assert_eq!(open(&exporter.url()).unwrap().devices().len(), 2);
}

#[test]
fn nobody_there_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = open(&format!("http://{free}/metrics")).err().unwrap();
    assert!(
        fault.contains("nobody listens there; is the exporter running, and on this port? DCGM's listens on 9400"),
        "{fault}"
    );
}

#[test]
fn an_address_that_is_none_is_told_before_anything_is_asked() {
    for (url, expected) in [
        (
            "https://node7:9400/metrics",
            "https is not spoken; expected an address with http, for example http://localhost:9400/metrics",
        ),
        ("node7:9400/metrics", "no address with http://; expected one such as http://localhost:9400/metrics"),
        ("localhost", "no address with http://; "),
        ("ftp://node7/metrics", "no address with http://; "),
        ("", "no address with http://; "),
        ("http://", "no address ("),
        ("http://no de7/metrics", "no address ("),
        ("http://user:secret@node7:9400/metrics", "names and passwords are not sent; "),
    ] {
        let fault = open(url).err().unwrap();
        assert!(fault.contains(expected) && !fault.contains("secret"), "{url}: {fault}");
    }
}

#[test]
fn the_path_may_be_left_out() {
    let exporter = Exporter::start(vec![Reply::page(ROW)]);
    let base = exporter.url().replace("/metrics", "");
    for url in [base.clone(), format!("{base}/")] {
        assert_eq!(open(&url).unwrap().source(), exporter.url());
    }
    let asked = exporter.stop();
    assert!(asked.iter().all(|asked| asked.starts_with("GET /metrics HTTP/1.1")), "{asked:?}");
    assert!(asked[0].to_lowercase().contains("accept: text/plain; version=0.0.4"), "{asked:?}");
}
