//! Protocol buffers as far as a timeline needs them: whole numbers, doubles, text and messages in messages.

/// A message under way.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// How a field is written on the wire.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;

impl Message {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    /// A field of type `uint64`, `uint32`, `int32`, `int64`, `bool` or an enumeration.
    pub(super) fn whole(&mut self, field: u64, value: i64) {
        self.key(field, VARINT);
        // Negative numbers are those of 64 bits, in ten bytes.
        self.varint(value as u64);
    }

    /// A field of type `double`.
    pub(super) fn real(&mut self, field: u64, value: f64) {
        self.key(field, FIXED_64);
        self.0.extend(value.to_le_bytes());
    }

    /// A field of type `string`.
    pub(super) fn text(&mut self, field: u64, value: &str) {
        self.key(field, BYTES);
        self.varint(value.len() as u64);
        self.0.extend(value.as_bytes());
    }

    /// A field that is a message.
    pub(super) fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.key(field, BYTES);
        self.varint(inner.0.len() as u64);
        self.0.extend(inner.0);
    }
}

/// What follows a field at the beginning of a message that is a whole number and has this value.
pub(super) fn whole(bytes: &[u8], field: u64, value: i64) -> Option<&[u8]> {
    let mut expected = Message::default();
    expected.whole(field, value);
    bytes.strip_prefix(expected.bytes())
}

/// From the first byte of a text or message on, which is the first field of its message; its end may be missing.
pub(super) fn part(bytes: &[u8], field: u64) -> Option<&[u8]> {
    Some(split(bytes, field)?.1)
}

/// What follows a text or message that is the first field of its message.
pub(super) fn after(bytes: &[u8], field: u64) -> Option<&[u8]> {
    let (length, rest) = split(bytes, field)?;
    rest.get(usize::try_from(length).ok()?..)
}

/// The length of a text or message that is the first field of its message, and what begins with it.
fn split(bytes: &[u8], field: u64) -> Option<(u64, &[u8])> {
    let mut key = Message::default();
    key.key(field, BYTES);
    let mut rest = bytes.strip_prefix(key.bytes())?;
    let mut length = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((length, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the encoding's own documentation, <https://protobuf.dev/programming-guides/encoding>.
    #[test]
    fn fields_are_those_of_the_specification() {
        let mut message = Message::default();
        message.whole(1, 150);
        assert_eq!(message.bytes(), [0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.text(2, "testing");
        assert_eq!(message.bytes(), [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
        let mut message = Message::default();
        message.message(3, |inner| inner.whole(1, 150));
        assert_eq!(message.bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let mut message = Message::default();
        message.whole(1, -2);
        assert_eq!(message.bytes()[1..], [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
        let mut message = Message::default();
        message.real(44, 1.0);
        assert_eq!(message.bytes(), [0xe1, 0x02, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    }
}
