//! What kind of file it is, by its first bytes and its tables: so that a wrong one is refused by name before the system's loader, which
//! says little and may crash on a file whose end is missing, gets to see it.

mod elf;
mod mach_o;
mod pe;

use std::fmt;

/// What a file's bytes say it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// No bytes.
    Empty,
    /// Text in UTF-8.
    Text,
    /// None of the kinds that are known.
    Unknown,
    /// A shared library that is complete.
    Shared {
        /// The operating systems it is for.
        system: System,
        /// The processors it is for; more than one in a universal library of macOS.
        machines: Vec<Machine>,
    },
    /// Native code that is no shared library: "an object file".
    NotShared(&'static str),
    /// A WebAssembly module.
    WebAssembly,
    /// The file ends before what its tables speak of.
    Truncated {
        /// The format.
        system: System,
        /// Bytes that the tables speak of, as far as they could be read.
        needed: u64,
    },
}

/// A family of operating systems, by the format of its libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// ELF: Linux and most Unix systems.
    Elf,
    /// Mach-O: macOS.
    MachO,
    /// PE: Windows.
    Pe,
}

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Machine {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X86_64,
    /// 32-bit Arm.
    Arm,
    /// 64-bit Arm.
    Aarch64,
    /// 64-bit RISC-V.
    RiscV64,
    /// 64-bit POWER.
    PowerPc64,
    /// 64-bit IBM Z.
    S390x,
    /// Another one, by its number in the format.
    Other(u32),
}

impl System {
    /// The system this program runs on.
    pub const HERE: Self = if cfg!(target_vendor = "apple") {
        Self::MachO
    } else if cfg!(windows) {
        Self::Pe
    } else {
        Self::Elf
    };
}

impl Machine {
    /// The processor this program runs on; `None` for one that this crate has no name for, where any is taken.
    pub const HERE: Option<Self> = if cfg!(target_arch = "x86_64") {
        Some(Self::X86_64)
    } else if cfg!(target_arch = "aarch64") {
        Some(Self::Aarch64)
    } else if cfg!(target_arch = "x86") {
        Some(Self::X86)
    } else if cfg!(target_arch = "arm") {
        Some(Self::Arm)
    } else if cfg!(target_arch = "riscv64") {
        Some(Self::RiscV64)
    } else if cfg!(target_arch = "powerpc64") {
        Some(Self::PowerPc64)
    } else if cfg!(target_arch = "s390x") {
        Some(Self::S390x)
    } else {
        None
    };
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Elf => "Linux (ELF)",
            Self::MachO => "macOS (Mach-O)",
            Self::Pe => "Windows (PE)",
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86 => "x86",
            Self::X86_64 => "x86-64",
            Self::Arm => "Arm",
            Self::Aarch64 => "AArch64",
            Self::RiscV64 => "RISC-V 64",
            Self::PowerPc64 => "PowerPC 64",
            Self::S390x => "s390x",
            Self::Other(number) => return write!(f, "processor number {number}"),
        })
    }
}

/// Says what kind of file these bytes are. Never panics, whatever they are.
///
/// ```
/// use isotherm_plugin_host::{FileKind, file_kind};
/// assert_eq!(file_kind(b"int main() {}\n"), FileKind::Text);
/// assert_eq!(file_kind(b"\0asm\x01\0\0\0"), FileKind::WebAssembly);
/// assert_eq!(file_kind(b"\x7fELF\x02\x01\x01").to_string(), "a truncated library for Linux (ELF)");
/// ```
#[must_use]
pub fn file_kind(bytes: &[u8]) -> FileKind {
    let parsed = match bytes {
        [] => return FileKind::Empty,
        [0x7f, b'E', b'L', b'F', ..] => elf::kind(bytes),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => mach_o::thin(bytes),
        // Java's class files begin alike; their version is no number of slices that anybody makes.
        [0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1..=30, ..] => mach_o::universal(bytes),
        [b'M', b'Z', ..] => pe::kind(bytes),
        [0, b'a', b's', b'm', ..] => return FileKind::WebAssembly,
        _ if bytes.starts_with(b"!<arch>\n") => return FileKind::NotShared("a static library"),
        _ if is_text(bytes) => return FileKind::Text,
        _ => return FileKind::Unknown,
    };
    match parsed {
        Ok(kind) => kind,
        Err(Short { system, needed }) => FileKind::Truncated { system, needed },
    }
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty file"),
            Self::Text => f.write_str("a text file"),
            Self::Unknown => f.write_str("a file of no known kind"),
            Self::Shared { system, machines } => {
                let machines: Vec<String> = machines.iter().map(ToString::to_string).collect();
                write!(f, "a shared library for {} on {system}", machines.join(" and "))
            }
            Self::NotShared(what) => f.write_str(what),
            Self::WebAssembly => f.write_str("a WebAssembly module"),
            Self::Truncated { system, .. } => write!(f, "a truncated library for {system}"),
        }
    }
}

/// The tables speak of bytes that the file does not have.
struct Short {
    system: System,
    needed: u64,
}

/// Numbers at offsets of a file; what lies past its end is the file's fault.
struct Bytes<'b> {
    bytes: &'b [u8],
    system: System,
    big_endian: bool,
}

impl Bytes<'_> {
    fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N], Short> {
        let end = offset.saturating_add(N as u64);
        self.must_hold(end)?;
        let mut array = [0; N];
        array.copy_from_slice(&self.bytes[offset as usize..end as usize]);
        Ok(array)
    }

    fn must_hold(&self, needed: u64) -> Result<(), Short> {
        if needed <= self.bytes.len() as u64 { Ok(()) } else { Err(Short { system: self.system, needed }) }
    }

    fn u16(&self, offset: u64) -> Result<u16, Short> {
        self.array(offset).map(if self.big_endian { u16::from_be_bytes } else { u16::from_le_bytes })
    }

    fn u32(&self, offset: u64) -> Result<u32, Short> {
        self.array(offset).map(if self.big_endian { u32::from_be_bytes } else { u32::from_le_bytes })
    }

    fn u64(&self, offset: u64) -> Result<u64, Short> {
        self.array(offset).map(if self.big_endian { u64::from_be_bytes } else { u64::from_le_bytes })
    }

    /// A number as wide as the file's addresses.
    fn word(&self, offset: u64, wide: bool) -> Result<u64, Short> {
        if wide { self.u64(offset) } else { self.u32(offset).map(u64::from) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(file_kind(b""), FileKind::Empty);
        assert_eq!(file_kind("Grüße\n".as_bytes()), FileKind::Text);
        assert_eq!(file_kind(&[0xff, 0xfe, 0, 1]), FileKind::Unknown);
        assert_eq!(file_kind(b"!<arch>\n//"), FileKind::NotShared("a static library"));
        assert!(matches!(file_kind(b"MZ"), FileKind::Truncated { system: System::Pe, .. }));
    }

    #[test]
    fn this_test_program_is_whole_and_no_byte_of_it_may_be_missing() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(!matches!(file_kind(&program), FileKind::Truncated { .. } | FileKind::Unknown | FileKind::Text));
        for kept in [4, 20, 63, 64, 100, program.len() / 2] {
            assert!(matches!(file_kind(&program[..kept]), FileKind::Truncated { .. }), "{kept} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            start in prop::sample::select(vec![
                &b"\x7fELF\x02\x01"[..], b"\x7fELF\x01\x02", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe",
                b"\xca\xfe\xba\xbe\0\0\0\x02", b"MZ", b"",
            ]),
            rest in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let _ = file_kind(&[start, &rest].concat());
        }
    }
}
