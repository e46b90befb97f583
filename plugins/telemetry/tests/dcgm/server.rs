//! The server that shows readings as an exporter would.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use isotherm_core::telemetry::Sample;
use isotherm_core::time::SimTime;
use isotherm_core::units::{Celsius, Watts};
use isotherm_recording::{Meter, Signal};
use isotherm_telemetry::dcgm::DcgmMeter;
use isotherm_telemetry::exposition::simulated::{self, Shown};
use isotherm_telemetry::exposition::{Labels, Server};

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// A server whose page counts how often it was made.
fn server() -> Server {
    let count = AtomicU32::new(0);
    Server::start(loopback(), Arc::new(move || format!("asked {}\n", count.fetch_add(1, Ordering::Relaxed) + 1)))
        .unwrap()
}

/// Sends bytes, and says what came back until the server closed.
fn ask(server: &Server, request: &str) -> String {
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn get(server: &Server, target: &str) -> String {
    ask(server, &format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"))
}

#[test]
fn the_page_is_made_for_each_request() {
    let server = server();
    let head = |length| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    assert_eq!(get(&server, "/metrics"), head(8) + "asked 1\n");
    assert_eq!(get(&server, "/metrics?name[]=up"), head(8) + "asked 2\n");
    assert_eq!(ask(&server, "HEAD /metrics HTTP/1.0\r\n\r\n"), head(8), "a head without a body");
    assert_eq!(get(&server, "/metrics"), head(8) + "asked 4\n");
}

#[test]
fn other_requests_are_told_what_there_is() {
    let server = server();
    for (request, status, word) in [
        ("GET / HTTP/1.1\r\n\r\n", "200 OK", "<a href=\"/metrics\">"),
        ("GET /favicon.ico HTTP/1.1\r\n\r\n", "404 Not Found", "metrics are at /metrics"),
        ("GET /metrics/ HTTP/1.1\r\n\r\n", "404 Not Found", "metrics are at /metrics"),
        ("POST /metrics HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd", "405 Method Not Allowed", "Allow: GET, HEAD\r\n"),
        ("nonsense\r\n\r\n", "400 Bad Request", "expected an HTTP request"),
        ("\u{16}\u{3}\u{1}\r\n\r\n", "400 Bad Request", "expected an HTTP request"),
    ] {
        let answer = ask(&server, request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}\r\n")) && answer.contains(word),
            "{request:?}: {answer}"
        );
    }
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(9000));
    assert!(ask(&server, &long).starts_with("HTTP/1.1 431 "));
    assert!(get(&server, "/metrics").contains("asked 1\n"), "none of them made the page");
}

#[test]
fn many_clients_are_answered_beside_one_that_is_silent() {
    let server = Arc::new(server());
    let silent = TcpStream::connect(server.address()).unwrap();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let server = Arc::clone(&server);
            thread::spawn(move || (0..10).filter(|_| get(&server, "/metrics").contains("asked ")).count())
        })
        .collect();
    let answered: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert_eq!(answered, 80);
    drop(silent);
}

/// More silent clients than a server has places.
fn crowd(server: &Server) -> Vec<TcpStream> {
    (0..70).map(|_| TcpStream::connect(server.address()).unwrap()).collect()
}

#[test]
fn who_comes_after_a_crowd_waits_for_its_turn() {
    let server = server();
    let silent = crowd(&server);
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    drop(silent);
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("asked 1\n"), "{answer}");
}

#[test]
fn a_server_stops_in_the_middle_of_a_crowd() {
    let server = server();
    let silent = crowd(&server);
    drop(server);
    drop(silent);
}

#[test]
fn a_page_that_panics_ends_one_answer_only() {
    let count = AtomicU32::new(0);
    let text = move || {
        assert!(count.fetch_add(1, Ordering::Relaxed) > 0, "the first page fails");
        "up 1\n".to_owned()
    };
    let server = Server::start(loopback(), Arc::new(text)).unwrap();
    assert_eq!(get(&server, "/metrics"), "");
    assert!(get(&server, "/metrics").ends_with("up 1\n"));
}

#[test]
fn a_dropped_server_is_gone_whatever_its_clients_do() {
    let server = server();
    let address = server.address();
    let mut silent = TcpStream::connect(address).unwrap();
    silent.write_all(b"GET /met").unwrap();
    let gone = TcpStream::connect(address).unwrap();
    gone.shutdown(Shutdown::Both).unwrap();
    drop(server);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    drop(TcpListener::bind(address).unwrap());
}

#[test]
fn a_taken_address_is_refused() {
    let taken = server();
    let fault = Server::start(taken.address(), Arc::new(String::new)).err().unwrap();
    assert_eq!(fault.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn simulated_devices_are_read_by_our_own_meter() {
    let devices = [0, 1].map(|index| simulated::facts(index, "NVIDIA H200"));
    let samples = [(40.2, 90.0), (71.9, 655.125)].map(|(degrees, watts)| Sample {
        taken_at: SimTime::ZERO,
        temperature: Some(Celsius::new(degrees)),
        power: Some(Watts::new(watts)),
    });
    let text = move || {
        let readings: Vec<_> = (0..)
            .zip(samples)
            .map(|(index, sample)| simulated::reading(index, SimTime::ZERO, &Shown::from(sample)))
            .collect();
        Labels::simulated("model").render(&devices, &readings)
    };
    let server = Server::start(loopback(), Arc::new(text)).unwrap();
    let mut meter = DcgmMeter::open(&format!("http://{}", server.address())).unwrap();
    assert_eq!(meter.devices()[1].name, "NVIDIA H200");
    assert_eq!(meter.hosts().collect::<Vec<_>>(), [Some("model"); 2]);
    let mut readings = Vec::new();
    meter.read(&mut readings).unwrap();
    let seen: Vec<_> =
        readings.iter().map(|reading| (reading.value(Signal::Temperature), reading.value(Signal::Power))).collect();
    assert_eq!(seen, [(Some(40), Some(90_000)), (Some(72), Some(655_125))]);
}
