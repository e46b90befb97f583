//! ELF: the format of Linux and most Unix systems.

use super::{Bytes, FileKind, Machine, Short, System};

const RELOCATABLE: u16 = 1;
const EXECUTABLE: u16 = 2;
const SHARED: u16 = 3;
/// Type of a program header whose bytes are mapped: a file without them crashes the loader.
const LOAD: u32 = 1;

pub(super) fn kind(bytes: &[u8]) -> Result<FileKind, Short> {
    let [class, data] = Bytes { bytes, system: System::Elf, big_endian: false }.array(4)?;
    let file = Bytes { bytes, system: System::Elf, big_endian: data == 2 };
    let wide = class == 2;
    let what = file.u16(16)?;
    let machine = machine(file.u16(18)?, wide);
    must_hold_tables(&file, wide)?;
    Ok(match what {
        SHARED => FileKind::Shared { system: System::Elf, machines: vec![machine] },
        RELOCATABLE => FileKind::NotShared("an object file, not yet linked"),
        EXECUTABLE => FileKind::NotShared("a program"),
        _ => FileKind::NotShared("an ELF file that is no library"),
    })
}

/// Every mapped part and the table of sections, which stands at the end, must lie within the file.
fn must_hold_tables(file: &Bytes<'_>, wide: bool) -> Result<(), Short> {
    let (programs, sections) =
        (file.word(if wide { 32 } else { 28 }, wide)?, file.word(if wide { 40 } else { 32 }, wide)?);
    let counts = if wide { 54 } else { 42 };
    let (size, number) = (file.u16(counts)?, file.u16(counts + 2)?);
    for header in 0..u64::from(number) {
        let at = programs.saturating_add(header * u64::from(size));
        if file.u32(at)? == LOAD {
            let (offset, length) = if wide { (8, 32) } else { (4, 16) };
            let offset = file.word(at.saturating_add(offset), wide)?;
            file.must_hold(offset.saturating_add(file.word(at.saturating_add(length), wide)?))?;
        }
    }
    let (size, number) = (file.u16(counts + 4)?, file.u16(counts + 6)?);
    file.must_hold(sections.saturating_add(u64::from(size) * u64::from(number)))
}

fn machine(number: u16, wide: bool) -> Machine {
    match (number, wide) {
        (3, false) => Machine::X86,
        (62, true) => Machine::X86_64,
        (40, false) => Machine::Arm,
        (183, true) => Machine::Aarch64,
        (243, true) => Machine::RiscV64,
        (21, true) => Machine::PowerPc64,
        (22, true) => Machine::S390x,
        _ => Machine::Other(u32::from(number)),
    }
}
