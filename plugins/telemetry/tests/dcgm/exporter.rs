//! An exporter that answers what a test tells it to.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// What a client gets.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, then nothing for as long as the exporter lives.
    Stall(Vec<u8>),
}

impl Reply {
    /// A page as exporters send it.
    pub(crate) fn page(text: &str) -> Self {
        Self::answer("200 OK", "text/plain; version=0.0.4; charset=utf-8", text)
    }

    /// Any answer with the right length.
    pub(crate) fn answer(status: &str, kind: &str, text: &str) -> Self {
        let length = text.len();
        Self::raw(&format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{text}"))
    }

    /// Exactly this.
    pub(crate) fn raw(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

/// Listens on loopback, one reply after the other; the last is repeated.
pub(crate) struct Exporter {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    serving: Option<JoinHandle<Vec<String>>>,
}

impl Exporter {
    pub(crate) fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        let serving = thread::spawn(move || {
            let (mut asked, mut stalled) = (Vec::new(), Vec::new());
            for place in 0.. {
                let Ok((mut client, _)) = listener.accept() else { break };
                if flag.load(Ordering::Acquire) {
                    break;
                }
                asked.push(request(&client));
                // The client may have left in the middle: that is what some tests are about.
                match &replies[place.min(replies.len() - 1)] {
                    Reply::Bytes(bytes) => drop(client.write_all(bytes)),
                    Reply::Stall(bytes) => {
                        let _ = client.write_all(bytes);
                        stalled.push(client);
                    }
                }
            }
            asked
        });
        Self { address, stopped, serving: Some(serving) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    /// Stops, and says what was asked.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.end()
    }

    fn end(&mut self) -> Vec<String> {
        self.stopped.store(true, Ordering::Release);
        drop(TcpStream::connect(self.address));
        self.serving.take().map_or_else(Vec::new, |serving| serving.join().unwrap_or_default())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.end();
    }
}

/// The request up to its empty line.
fn request(client: &TcpStream) -> String {
    let lines = BufReader::new(client).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
