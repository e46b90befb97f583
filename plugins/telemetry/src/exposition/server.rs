//! A small HTTP server for one page.
//!
//! Own code over the standard library and `httparse`, because the small server crate there is (tiny_http 0.12, of 2022) has no time limits, so that a silent client holds a
//! thread for ever, keeps connections open after it was stopped, and stops accepting for good at its first error.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::request::serve;

/// Clients that are answered at the same time.
const CLIENTS: usize = 64;

/// Makes the page; asked once a request.
type Text = Arc<dyn Fn() -> String + Send + Sync>;

/// Serves a text at `/metrics`, and a page that points there at `/`, until it is dropped.
///
/// Each client has a thread of its own and 5 s to ask; 64 are answered at a time, and more wait for their turn. Dropping it frees the port and does not wait
/// for clients.
pub struct Server {
    address: SocketAddr,
    desk: Arc<Desk>,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts to listen. Port 0 takes any free port; [`Server::address`] says which. Whoever can reach the address can read the page, so it should be one of
    /// 127.0.0.1 unless others are to see it.
    ///
    /// # Errors
    /// If the address cannot be listened at: it is taken, or not of this machine.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::{SocketAddr, TcpStream};
    /// use std::sync::Arc;
    /// use isotherm_telemetry::exposition::Server;
    ///
    /// let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), Arc::new(|| "up 1\n".to_owned()))?;
    /// let mut client = TcpStream::connect(server.address())?;
    /// client.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer)?;
    /// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nup 1\n"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn start(address: SocketAddr, text: Text) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk::default());
        let theirs = Arc::clone(&desk);
        let listening =
            thread::Builder::new().name("metrics".to_owned()).spawn(move || listen(&listener, &theirs, &text))?;
        Ok(Self { address, desk, listening: Some(listening) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.desk.change(|state| state.is_closed = true);
        // The listening thread waits for a client; be one. If that fails it would wait on: let it.
        let woken = TcpStream::connect_timeout(&reachable(self.address), Duration::from_secs(1));
        if let (Ok(_), Some(listening)) = (woken, self.listening.take()) {
            // It panics for nothing; if it did, it has ended.
            let _ = listening.join();
        }
    }
}

/// Where a server is reached from its own machine.
const fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        match address {
            SocketAddr::V4(_) => address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SocketAddr::V6(_) => address.set_ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
        }
    }
    address
}

/// Takes clients until it is told to stop.
fn listen(listener: &TcpListener, desk: &Arc<Desk>, text: &Text) {
    while let Some(place) = Place::take(desk) {
        match listener.accept() {
            // The one who wakes a server that was told to stop wants nothing.
            Ok(_) if desk.state().is_closed => return,
            Ok((client, _)) => receive(client, place, text),
            // Out of files, or a client that left at once: both pass.
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Answers a client in a thread of its own.
fn receive(client: TcpStream, place: Place, text: &Text) {
    let text = Arc::clone(text);
    // If the system has no thread left, the client sees its connection closed.
    let _ = thread::Builder::new().name("metrics client".to_owned()).spawn(move || {
        let _place = place;
        // A client that left early is no fault of ours.
        let _ = serve(client, &*text);
    });
}

/// Where clients get their places.
#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    taken: usize,
    is_closed: bool,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }
}

/// A place among the clients, given back when dropped, also by a panic.
struct Place {
    desk: Arc<Desk>,
}

impl Place {
    /// Waits for a free place; none once the desk is closed.
    fn take(desk: &Arc<Desk>) -> Option<Self> {
        let is_full = |state: &mut State| state.taken >= CLIENTS && !state.is_closed;
        let mut state = desk.changed.wait_while(desk.state(), is_full).unwrap_or_else(PoisonError::into_inner);
        if state.is_closed {
            return None;
        }
        state.taken += 1;
        Some(Self { desk: Arc::clone(desk) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.desk.change(|state| state.taken -= 1);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_server_at_all_addresses_is_woken_at_its_own() {
        for (listens, reached) in
            [("0.0.0.0:9400", "127.0.0.1:9400"), ("[::]:9400", "[::1]:9400"), ("192.0.2.7:80", "192.0.2.7:80")]
        {
            assert_eq!(reachable(listens.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
