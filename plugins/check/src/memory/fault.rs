//! The last words of a child that was hit by a signal: which buffer was touched, and how.
//!
//! The handler writes a verdict to the standard output and lets the signal take its course, so that whoever started
//! the child also sees which signal it was. Nothing in here allocates or takes a lock.

#![expect(unsafe_code, reason = "a signal handler")]

use std::ffi::{c_int, c_void};

use super::registry::{self, Entry, State};
use crate::verdict::MARK;

/// Lets faults of the plugin's be described before they end the process.
pub(crate) fn watch_signals() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: `describe` only does what a handler may, and runs on the thread's own alternative stack.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = describe as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Ends the process with a verdict that the case has failed. For callbacks that cannot return.
#[cfg(watched)]
pub(crate) fn die(reason: &str) -> ! {
    Line::new().text(reason).send();
    // SAFETY: ends the process.
    unsafe { libc::abort() }
}

/// Returns where the fault happened; as the handler has been reset, the signal then does what it does by default.
extern "C" fn describe(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel hands over a valid description.
    let address = unsafe { (*info).si_addr() } as usize;
    match registry::find(address) {
        Some(entry) => tell(&entry, address),
        None => Line::new().text("touched memory that is not there, at address 0x").hexadecimal(address).send(),
    }
}

fn tell(entry: &Entry, address: usize) {
    let line = Line::new();
    let named = |line: Line| line.text("`").text(entry.name).text("`");
    match entry.state {
        State::Over => named(line.text("touched ")).text(" after the call it was handed over for"),
        State::Freed => line.text("touched memory that it had freed"),
        State::Lent if address < entry.data => {
            named(line.text("touched byte ").number(entry.data - address).text(" before the start of "))
        }
        State::Lent if address >= entry.data + entry.len => {
            let behind = address - entry.data - entry.len + 1;
            named(line.text("touched byte ").number(behind).text(" behind the end of "))
        }
        State::Lent => named(line.text("wrote to a read-only input: ")),
    }
    .send();
}

/// A verdict under construction, on the stack.
struct Line {
    bytes: [u8; 512],
    len: usize,
}

impl Line {
    fn new() -> Self {
        let empty = Self { bytes: [0; 512], len: 0 };
        empty.raw("\n").raw(MARK).raw("{\"outcome\":\"fail\",\"reason\":\"")
    }

    fn raw(self, text: &str) -> Self {
        text.bytes().fold(self, Self::byte)
    }

    /// Appends text; what would have to be escaped in JSON becomes a question mark.
    fn text(self, text: &str) -> Self {
        let plain = |byte: u8| if byte < b' ' || byte == b'"' || byte == b'\\' { b'?' } else { byte };
        text.bytes().map(plain).fold(self, Self::byte)
    }

    fn byte(mut self, byte: u8) -> Self {
        // Room is left for the end of the line.
        if self.len < self.bytes.len() - 3 {
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        self
    }

    fn number(self, number: usize) -> Self {
        self.digits(number, 10)
    }

    fn hexadecimal(self, number: usize) -> Self {
        self.digits(number, 16)
    }

    fn digits(self, mut number: usize, base: usize) -> Self {
        let (mut digits, mut at) = ([0_u8; 24], 24);
        loop {
            at -= 1;
            digits[at] = b"0123456789abcdef"[number % base];
            number /= base;
            if number == 0 {
                break;
            }
        }
        digits[at..].iter().fold(self, |line, digit| line.text(std::str::from_utf8(&[*digit]).unwrap_or("?")))
    }

    fn send(mut self) {
        self.bytes[self.len..self.len + 3].copy_from_slice(b"\"}\n");
        // SAFETY: `write` may be called in a handler; the bytes are there.
        unsafe { libc::write(1, self.bytes.as_ptr().cast(), self.len + 3) };
    }
}
