//! The exporter, and reading it back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};

use super::{await_bytes, start};
use crate::lab::{isotherm, root, small, text};

/// An exporter under way, ended with the test.
pub(super) struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    pub(super) fn start(folder: &Path, arguments: &[&str]) -> Self {
        let listen = ["telemetry", "export", "--listen", "127.0.0.1:0"];
        let mut child = start(folder, &[&listen, arguments].concat());
        let mut line = String::new();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        err.read_line(&mut line).unwrap();
        // What follows goes nowhere, and must not block.
        std::thread::spawn(move || err.read_to_end(&mut Vec::new()));
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("no address in {line}")).to_owned();
        Self { child, address }
    }

    pub(super) fn scrape(&self) -> String {
        let mut client = TcpStream::connect(&self.address).unwrap();
        client.write_all(b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_scrape_shows_the_devices_under_dcgm_names() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = Exporter::start(folder.path(), &["--source", "synthetic"]);
    let page = exporter.scrape();
    for name in ["DCGM_FI_DEV_POWER_USAGE", "DCGM_FI_DEV_GPU_TEMP", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"] {
        let rows = page.lines().filter(|line| line.starts_with(&format!("{name}{{"))).count();
        assert_eq!(rows, 2, "{name} in\n{page}");
    }
    assert!(page.contains("isotherm=\"simulated\""), "nobody takes a model's watts for a device's:\n{page}");
}

#[test]
fn what_is_exported_can_be_read_back_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = Exporter::start(folder.path(), &["--source", "synthetic"]);
    let source = format!("dcgm=http://{}/metrics", exporter.address);
    let (code, out, err) = text(&isotherm(folder.path(), &["telemetry", "devices", "--source", &source, "--quick"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("2 devices") && out.contains("simulated H200"), "{out}");
    let arguments = ["telemetry", "record", "--source", &source, "--quick", "--duration", "1s", "-o", "a.csv"];
    let (code, out, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let recording = isotherm_recording::Recording::open(folder.path().join("a.csv").to_str().unwrap()).unwrap();
    assert_eq!(recording.tracks.len(), 2);
    assert!(recording.tracks[0].column(isotherm_recording::Signal::Power).is_some());
}

#[test]
fn an_exporter_that_goes_away_is_an_event_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = Exporter::start(folder.path(), &["--source", "synthetic"]);
    let source = format!("dcgm=http://{}/metrics", exporter.address);
    let arguments = ["telemetry", "record", "--source", &source, "--quick", "--duration", "3s", "-o", "a.csv"];
    let child = start(folder.path(), &arguments);
    let file = folder.path().join("a.csv");
    await_bytes(&file, 2000);
    drop(exporter);
    let (code, out, err) = text(&child.wait_with_output().unwrap());
    assert_eq!(code, 0, "{err}");
    assert_eq!(err.matches("going on, and asking again").count(), 1, "{err}");
    assert!(!out.contains(" 0 without an answer"), "{out}");
}

#[test]
fn nobody_listens_and_a_taken_port_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let exporter = Exporter::start(folder.path(), &["--source", "synthetic"]);
    let arguments = ["telemetry", "export", "--source", "synthetic", "--listen", &exporter.address];
    let (code, _, err) = text(&isotherm(folder.path(), &arguments));
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("choose a free port"), "{err}");
    let source = format!("dcgm=http://{}/metrics", exporter.address);
    drop(exporter);
    let (code, out, _) = text(&isotherm(folder.path(), &["telemetry", "devices", "--source", &source, "--quick"]));
    assert_eq!(code, 7, "{out}");
    assert!(out.contains("not available"), "{out}");
}

#[test]
fn a_scenario_is_played_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("small.toml");
    let text = small("router = [{ kind = \"baseline\" }]")
        .replace("scenarios/hardware", &root().join("scenarios/hardware").display().to_string());
    std::fs::write(&scenario, text).unwrap();
    let exporter = Exporter::start(folder.path(), &["--scenario", "small.toml"]);
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let page = exporter.scrape();
        let rows = page.lines().filter(|line| line.starts_with("DCGM_FI_DEV_GPU_TEMP{")).count();
        if rows == 4 {
            assert!(page.contains("simulated GPU of small") && page.contains("isotherm=\"simulated\""), "{page}");
            break;
        }
        assert!(std::time::Instant::now() < patience, "{page}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_exporter() {
    let folder = tempfile::tempdir().unwrap();
    let mut exporter = Exporter::start(folder.path(), &["--source", "synthetic"]);
    Command::new("kill").args(["-INT", &exporter.child.id().to_string()]).status().unwrap();
    assert_eq!(exporter.child.wait().unwrap().code(), Some(0));
}
