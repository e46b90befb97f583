//! PE: the format of Windows.

use super::{Bytes, FileKind, Machine, Short, System};

/// In the characteristics of the header: the file is a DLL.
const DLL: u16 = 0x2000;

pub(super) fn kind(bytes: &[u8]) -> Result<FileKind, Short> {
    let file = Bytes { bytes, system: System::Pe, big_endian: false };
    let header = u64::from(file.u32(0x3c)?);
    if file.array(header)? != *b"PE\0\0" {
        return Ok(FileKind::Unknown);
    }
    let machine = machine(file.u16(header + 4)?);
    let (sections, optional) = (file.u16(header + 6)?, file.u16(header + 20)?);
    for section in 0..u64::from(sections) {
        let at = header + 24 + u64::from(optional) + 40 * section;
        file.must_hold(u64::from(file.u32(at + 16)?) + u64::from(file.u32(at + 20)?))?;
    }
    Ok(if file.u16(header + 22)? & DLL == 0 {
        FileKind::NotShared("a program")
    } else {
        FileKind::Shared { system: System::Pe, machines: vec![machine] }
    })
}

fn machine(number: u16) -> Machine {
    match number {
        0x14c => Machine::X86,
        0x8664 => Machine::X86_64,
        0xaa64 => Machine::Aarch64,
        other => Machine::Other(u32::from(other)),
    }
}
