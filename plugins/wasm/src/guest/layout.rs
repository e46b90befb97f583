//! The C structs of the interface as clang and rustc lay them out for wasm32: pointers and lengths of 4 bytes, every field at a multiple of
//! its size, all of it little-endian whatever the host is.

/// A number that crosses the border.
pub(crate) trait Word: Copy {
    /// Bytes, and alignment.
    const SIZE: usize;

    /// Writes `values` to the front of `to`.
    fn put(values: &[Self], to: &mut [u8]);

    /// Reads values from the front of `from` until `to` is full.
    fn get(from: &[u8], to: &mut [Self]);
}

macro_rules! words {
    ($($word:ty),*) => {$(
        impl Word for $word {
            const SIZE: usize = size_of::<Self>();

            fn put(values: &[Self], to: &mut [u8]) {
                for (to, value) in to.as_chunks_mut::<{ size_of::<Self>() }>().0.iter_mut().zip(values) {
                    *to = value.to_le_bytes();
                }
            }

            fn get(from: &[u8], to: &mut [Self]) {
                for (value, from) in to.iter_mut().zip(from.as_chunks().0) {
                    *value = Self::from_le_bytes(*from);
                }
            }
        }
    )*};
}
words!(u16, u32, u64, f32, f64);

/// Arrays begin at multiples of this, as the interface promises for logits.
const LINE: usize = 64;

/// Lays arrays and structs one behind the other into a module's memory. Written twice, first without memory: that measures.
pub(crate) struct Block<'m> {
    memory: Option<&'m mut [u8]>,
    base: u32,
    used: usize,
}

impl<'m> Block<'m> {
    /// Bytes that `lay` takes.
    pub(crate) fn measure<R>(lay: impl FnOnce(&mut Block<'_>) -> R) -> usize {
        let mut block = Block { memory: None, base: 0, used: 0 };
        lay(&mut block);
        block.used
    }

    /// A block in the memory that begins at address `base`.
    pub(crate) fn at(base: u32, memory: &'m mut [u8]) -> Self {
        Self { memory: Some(memory), base, used: 0 }
    }

    /// The address of a copy of `values`.
    pub(crate) fn array<T: Word>(&mut self, values: &[T]) -> u32 {
        let (address, to) = self.take(LINE, values.len() * T::SIZE);
        if let Some(to) = to {
            T::put(values, to);
        }
        address
    }

    /// The address of a copy of what an iterator gives.
    pub(crate) fn gathered<T: Word>(&mut self, values: impl ExactSizeIterator<Item = T>) -> u32 {
        let (address, to) = self.take(LINE, values.len() * T::SIZE);
        if let Some(to) = to {
            for (to, value) in to.chunks_exact_mut(T::SIZE).zip(values) {
                T::put(&[value], to);
            }
        }
        address
    }

    /// The address of a copy of `values`, or null where there are none: that is how the interface says that nothing is known.
    pub(crate) fn known<T: Word>(&mut self, values: &[T]) -> u32 {
        if values.is_empty() { 0 } else { self.array(values) }
    }

    /// The address of room for `len` values, with whatever is there.
    pub(crate) fn room<T: Word>(&mut self, len: usize) -> u32 {
        self.take(LINE, len * T::SIZE).0
    }

    /// The address of `len` zeroes.
    pub(crate) fn zeroes<T: Word>(&mut self, len: usize) -> u32 {
        let (address, to) = self.take(LINE, len * T::SIZE);
        if let Some(to) = to {
            to.fill(0);
        }
        address
    }

    /// The address of text as an `IsothermStr`, the text itself standing elsewhere in the block.
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        let address = self.bytes(text.as_bytes());
        self.record(Record::plain().word(address).word(text.len() as u32))
    }

    /// The address of bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> u32 {
        let (address, to) = self.take(1, bytes.len());
        if let Some(to) = to {
            to.copy_from_slice(bytes);
        }
        address
    }

    /// The address of a struct.
    pub(crate) fn record(&mut self, record: Record) -> u32 {
        let bytes = record.finish();
        let (address, to) = self.take(8, bytes.len());
        if let Some(to) = to {
            to.copy_from_slice(&bytes);
        }
        address
    }

    fn take(&mut self, alignment: usize, len: usize) -> (u32, Option<&mut [u8]>) {
        let start = self.used.next_multiple_of(alignment);
        self.used = start + len;
        // Measured before: what is larger than addresses reach is never written.
        let address = (self.base as usize + start) as u32;
        (address, self.memory.as_deref_mut().map(|memory| &mut memory[start..start + len]))
    }
}

/// One struct, field by field.
pub(crate) struct Record {
    bytes: Vec<u8>,
    alignment: usize,
    sized: bool,
}

impl Record {
    /// A struct that begins with its size.
    pub(crate) fn sized() -> Self {
        Self { sized: true, ..Self::plain() }.word(0_u32)
    }

    /// A struct that does not.
    pub(crate) fn plain() -> Self {
        Self { bytes: Vec::with_capacity(192), alignment: 1, sized: false }
    }

    /// The next field: a number, or an address as `u32`.
    pub(crate) fn word<T: Word>(mut self, value: T) -> Self {
        let start = self.bytes.len().next_multiple_of(T::SIZE);
        self.alignment = self.alignment.max(T::SIZE);
        self.bytes.resize(start + T::SIZE, 0);
        T::put(&[value], &mut self.bytes[start..]);
        self
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len().next_multiple_of(self.alignment), 0);
        if self.sized {
            let size = self.bytes.len() as u32;
            u32::put(&[size], &mut self.bytes);
        }
        self.bytes
    }
}

/// Reads a struct, field by field. What lies beyond the bytes is zero: whoever reads has looked at the size.
pub(crate) struct Fields<'m> {
    bytes: &'m [u8],
    at: usize,
}

impl<'m> Fields<'m> {
    pub(crate) fn of(bytes: &'m [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next field.
    pub(crate) fn word<T: Word + Default>(&mut self) -> T {
        let start = self.at.next_multiple_of(T::SIZE);
        self.at = start + T::SIZE;
        let mut value = [T::default()];
        T::get(self.bytes.get(start..).unwrap_or_default(), &mut value);
        value[0]
    }

    /// Passes over `number` fields of a type.
    pub(crate) fn skip<T: Word + Default>(&mut self, number: usize) {
        self.at = self.at.next_multiple_of(T::SIZE) + number * T::SIZE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_multiples_of_their_size() {
        let record = Record::sized().word(7_u32).word(1.5_f64).word(9_u32).finish();
        assert_eq!(record.len(), 24, "padded to the largest alignment");
        let mut fields = Fields::of(&record);
        assert_eq!((fields.word::<u32>(), fields.word::<u32>(), fields.word::<f64>()), (24, 7, 1.5));
        assert_eq!((fields.word::<u32>(), fields.word::<u32>(), fields.word::<u32>()), (9, 0, 0));
    }

    #[test]
    fn what_is_measured_is_what_is_written() {
        let lay = |block: &mut Block<'_>| {
            let logits = block.array(&[1.0_f32, 2.0]);
            let text = block.text("abc");
            (logits, text, block.record(Record::plain().word(logits)))
        };
        let mut memory = vec![0xff; Block::measure(lay)];
        let (logits, text, record) = lay(&mut Block::at(1024, &mut memory));
        assert_eq!((logits % 64, record % 8), (0, 0));
        let mut fields = Fields::of(&memory[text as usize - 1024..]);
        let at = fields.word::<u32>() as usize - 1024;
        assert_eq!(&memory[at..at + fields.word::<u32>() as usize], b"abc");
    }
}
