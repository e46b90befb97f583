//! Mach-O: the format of macOS.

use super::{Bytes, FileKind, Machine, Short, System};

const EXECUTABLE: u32 = 2;
const DYLIB: u32 = 6;
const BUNDLE: u32 = 8;
const SEGMENT: u32 = 1;
const SEGMENT_64: u32 = 25;

/// A library for one processor.
pub(super) fn thin(bytes: &[u8]) -> Result<FileKind, Short> {
    let file = Bytes { bytes, system: System::MachO, big_endian: false };
    let wide = bytes.first() == Some(&0xcf);
    let machine = machine(file.u32(4)?);
    let what = file.u32(12)?;
    must_hold_segments(&file, wide)?;
    Ok(match what {
        DYLIB | BUNDLE => FileKind::Shared { system: System::MachO, machines: vec![machine] },
        EXECUTABLE => FileKind::NotShared("a program"),
        _ => FileKind::NotShared("a Mach-O file that is no library"),
    })
}

/// Libraries for several processors in one file.
pub(super) fn universal(bytes: &[u8]) -> Result<FileKind, Short> {
    let file = Bytes { bytes, system: System::MachO, big_endian: true };
    let mut machines = Vec::new();
    for slice in 0..u64::from(file.u32(4)?) {
        let at = 8 + 20 * slice;
        machines.push(machine(file.u32(at)?));
        file.must_hold(u64::from(file.u32(at + 8)?) + u64::from(file.u32(at + 12)?))?;
    }
    Ok(FileKind::Shared { system: System::MachO, machines })
}

fn must_hold_segments(file: &Bytes<'_>, wide: bool) -> Result<(), Short> {
    let (number, size) = (file.u32(16)?, file.u32(20)?);
    let mut at = if wide { 32 } else { 28 };
    file.must_hold(at + u64::from(size))?;
    for _ in 0..number {
        let (command, length) = (file.u32(at)?, file.u32(at + 4)?);
        if command == SEGMENT_64 {
            file.must_hold(file.u64(at + 40)?.saturating_add(file.u64(at + 48)?))?;
        } else if command == SEGMENT {
            file.must_hold(u64::from(file.u32(at + 32)?) + u64::from(file.u32(at + 36)?))?;
        }
        // A command has at least its own head: a shorter one would never end.
        at += u64::from(length.max(8));
    }
    Ok(())
}

fn machine(number: u32) -> Machine {
    match number {
        7 => Machine::X86,
        0x0100_0007 => Machine::X86_64,
        12 => Machine::Arm,
        0x0100_000c => Machine::Aarch64,
        other => Machine::Other(other),
    }
}
