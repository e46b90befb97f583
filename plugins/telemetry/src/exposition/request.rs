//! What one client asks, and the bytes that answer it.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How long a client may take to ask, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest request that is read.
const LARGEST: usize = 8 << 10;
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const START: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>isotherm</title></head>\n\
    <body><h1>isotherm</h1><p><a href=\"/metrics\">Metrics</a> of the devices that isotherm reads, named as DCGM's exporter names them.</p></body></html>\n";

/// Status, type and text of an answer.
struct Answer {
    status: &'static str,
    kind: &'static str,
    text: String,
    /// Whether only the head is sent.
    head_only: bool,
}

impl Answer {
    fn fault(status: &'static str, text: &str) -> Self {
        Self { status, kind: TEXT, text: format!("{text}\n"), head_only: false }
    }

    /// The answer as it goes over the wire. Every connection carries one: nothing is left open when the server stops.
    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {}\r\nContent-Type: {}\r\n", self.status, self.kind);
        // Writing into a `String` cannot fail.
        let _ = write!(head, "Content-Length: {}\r\nConnection: close\r\n", self.text.len());
        if self.status.starts_with("405") {
            head.push_str("Allow: GET, HEAD\r\n");
        }
        head.push_str("\r\n");
        if !self.head_only {
            head.push_str(&self.text);
        }
        head.into_bytes()
    }
}

/// Reads one request, answers it and closes the connection.
///
/// # Errors
/// If the client is gone or too slow; there is nobody to tell.
pub(super) fn serve(mut client: TcpStream, text: &dyn Fn() -> String) -> io::Result<()> {
    client.set_write_timeout(Some(PATIENCE))?;
    let answer = match read(&mut client)? {
        Some(request) => answer(&request, text),
        None => Answer::fault("431 Request Header Fields Too Large", "the request is too long"),
    };
    client.write_all(&answer.bytes())?;
    close(&mut client)
}

/// Everything up to the empty line that ends a request without a body; `None` if that is too long.
fn read(client: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let deadline = Instant::now() + PATIENCE;
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        client.set_read_timeout(Some(left))?;
        let count = client.read(&mut piece)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        request.extend_from_slice(&piece[..count]);
        if request.len() > LARGEST {
            return Ok(None);
        }
    }
    Ok(Some(request))
}

fn answer(request: &[u8], text: &dyn Fn() -> String) -> Answer {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut parsed = httparse::Request::new(&mut headers);
    let (Ok(_), Some(method), Some(target)) = (parsed.parse(request), parsed.method, parsed.path) else {
        return Answer::fault("400 Bad Request", "expected an HTTP request, for example GET /metrics");
    };
    if !matches!(method, "GET" | "HEAD") {
        return Answer::fault("405 Method Not Allowed", "expected GET or HEAD");
    }
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let (status, kind, text) = match path {
        "/metrics" => ("200 OK", TEXT, text()),
        "/" => ("200 OK", HTML, START.to_owned()),
        _ => ("404 Not Found", TEXT, "there is no such page; metrics are at /metrics\n".to_owned()),
    };
    Answer { status, kind, text, head_only: method == "HEAD" }
}

/// Closes without losing the answer: what the client still sends would else make the system throw it away.
fn close(client: &mut TcpStream) -> io::Result<()> {
    client.shutdown(Shutdown::Write)?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut rest = [0; 1024];
    for _ in 0..64 {
        if client.read(&mut rest)? == 0 {
            break;
        }
    }
    Ok(())
}
