//! The default: a radix wheel with a sorted bottom, nearly the same cost per event from 1e2 to 1e6 pending.

use std::collections::VecDeque;
use std::fmt;
use std::iter;

use super::EventQueue;
use crate::time::SimTime;

/// Bits of one digit of a time: a level then has 64 buckets, and one word says which are occupied.
const DIGIT_BITS: usize = 6;
const RADIX: usize = 1 << DIGIT_BITS;
/// Digits of a `u64`: ten full ones, and four bits in the highest.
const LEVELS: usize = 64_usize.div_ceil(DIGIT_BITS);
/// Events per block. A bucket of one block is sorted whole, which beats spreading so few events over
/// another 64 buckets; the place in a block then fits into the digit's bits of a sort key.
const BLOCK: usize = 1 << DIGIT_BITS;
/// Size at which the bottom takes no more insertions: leaves room for pushes above the [`BLOCK`] events
/// of a refill, while an insertion still moves less than one block.
const BOTTOM_BOUND: usize = 2 * BLOCK;
/// No block.
const NONE: usize = usize::MAX;

type Item<E> = (u64, E);

/// The pending-event set in near-constant time, exact, without a tuning parameter.
///
/// Exists because a heap of 1e6 events misses the cache at every level of the heap: it costs 10 to 20 times
/// as much there as this, and twice as much at 1e4 events.
///
/// Events up to and including an instant, the *limit*, lie sorted in the *bottom*, where `pop` takes
/// them. A later event lies in the bucket named by the highest 6-bit digit in which its time differs from the
/// limit: the position of that digit is the level, its value the bucket. So any bucket of a lower level, and any
/// lower bucket of the same level, is earlier as a whole. When the bottom is empty, the lowest bucket is
/// sorted into it, or spread over lower levels if it is large; the limit moves up behind it.
///
/// Orders by time, equal times by push. No number of the push is stored: equal times always share the bottom or a
/// bucket, both keep the order in which they were filled, and sorting is stable.
///
/// `push` and `pop` cost amortised O(1), at most one move per level and event: a bottom that pushes have filled is
/// spilled into the buckets, so that no burst is quadratic, tied or not. `pop_at` costs as much as `pop`, `peek_time`
/// and `len` O(1), `retain` O(n), `to_sorted` O(n log n), `clone` a copy of the memory. Nothing is allocated
/// once the memory has grown to the largest number of pending events.
///
/// A push before the last popped time is exact, but may move up to all pending events.
///
/// ```
/// use isotherm_core::queue::{EventQueue, Wheel};
/// use isotherm_core::time::SimTime;
/// let mut queue = Wheel::default();
/// queue.push(SimTime::from_nanos(7), 'b');
/// queue.push(SimTime::from_nanos(7), 'c');
/// queue.push(SimTime::from_nanos(3), 'a');
/// assert_eq!(queue.peek_time(), Some(SimTime::from_nanos(3)));
/// assert_eq!(queue.pop_at(SimTime::from_nanos(7)), None, "something is pending before");
/// let order: String = std::iter::from_fn(|| queue.pop()).map(|(_, event)| event).collect();
/// assert_eq!(order, "abc");
/// ```
#[derive(Clone)]
pub struct Wheel<E> {
    /// Every pending event up to `limit`, in the order of service.
    bottom: VecDeque<Item<E>>,
    /// Last instant of the bottom; buckets hold later events only, placed relative to it.
    limit: u64,
    /// Last popped time, or an earlier push since: nothing is pending before it, nor will usually be.
    floor: u64,
    len: usize,
    /// Bit per level with an occupied bucket.
    levels: u16,
    /// Bit per occupied bucket of each level.
    occupied: [u64; LEVELS],
    /// Level by level.
    buckets: Vec<Bucket>,
    blocks: Vec<Block<E>>,
    /// First of the unused blocks. The block freed last is reused first: it is still in the cache.
    free: usize,
}

/// A list of blocks, full but for the last. Blocks are shared by all buckets, so that memory follows the number
/// of pending events; a growing vector per bucket would keep the largest size of each.
#[derive(Clone, Copy)]
struct Bucket {
    /// Earliest time in it, so that a look at the next event need not search.
    min: u64,
    len: usize,
    first: usize,
    last: usize,
}

#[derive(Clone, Copy)]
struct Block<E> {
    items: [Item<E>; BLOCK],
    /// The next block of the bucket, or of the unused ones.
    next: usize,
}

impl Bucket {
    const EMPTY: Self = Self { min: u64::MAX, len: 0, first: NONE, last: NONE };
}

fn level_of(difference: u64) -> usize {
    difference.ilog2() as usize / DIGIT_BITS
}

/// The bits below the digit of `level`.
const fn below(level: usize) -> u64 {
    (1 << (DIGIT_BITS * level)) - 1
}

fn bucket_of(time: u64, level: usize) -> usize {
    level * RADIX + (time >> (DIGIT_BITS * level)) as usize % RADIX
}

// `inline(always)` on the way of a push: behind a call the event is written to the stack in parts and read back
// whole, which stalls the processor for longer than the rest takes (measured: a third of the whole cost).
impl<E: Copy> Wheel<E> {
    #[inline(always)]
    fn insert_in_bottom(&mut self, item: Item<E>) {
        self.floor = self.floor.min(item.0);
        if self.bottom.back().is_none_or(|last| last.0 <= item.0) {
            // Ties and rising times need no place to be made, however many they are.
            self.bottom.push_back(item);
        } else if self.bottom.len() < BOTTOM_BOUND {
            let place = self.bottom.partition_point(|other| other.0 <= item.0);
            self.bottom.insert(place, item);
        } else {
            self.lower_limit();
            self.append(item);
        }
    }

    /// Appends to the bottom, if the limit reaches that far, or to a bucket; not before anything in the bottom.
    #[inline]
    fn append(&mut self, item: Item<E>) {
        if item.0 <= self.limit {
            self.bottom.push_back(item);
        } else {
            self.append_to_bucket(item);
        }
    }

    /// Appends to the bucket of an event after the limit.
    #[inline(always)]
    fn append_to_bucket(&mut self, item: Item<E>) {
        let level = level_of(item.0 ^ self.limit);
        let index = bucket_of(item.0, level);
        let bucket = &mut self.buckets[index];
        let place = bucket.len % BLOCK;
        bucket.min = bucket.min.min(item.0);
        bucket.len += 1;
        if place > 0 {
            self.blocks[bucket.last].items[place] = item;
        } else {
            self.levels |= 1 << level;
            self.occupied[level] |= 1 << (index % RADIX);
            self.add_block(index, item);
        }
    }

    fn add_block(&mut self, index: usize, item: Item<E>) {
        let mut block = self.free;
        if block == NONE {
            block = self.blocks.len();
            // The copies only fill the places: an event type has no empty value.
            self.blocks.push(Block { items: [item; BLOCK], next: NONE });
        } else {
            self.free = self.blocks[block].next;
            self.blocks[block].items[0] = item;
        }
        let bucket = &mut self.buckets[index];
        if bucket.first == NONE {
            bucket.first = block;
        } else {
            self.blocks[bucket.last].next = block;
        }
        bucket.last = block;
    }

    /// The level and the index of the earliest bucket.
    fn lowest(&self) -> Option<(usize, usize)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        Some((level, level * RADIX + self.occupied[level].trailing_zeros() as usize))
    }

    /// Empties a bucket; the caller frees the blocks.
    fn take(&mut self, index: usize) -> Bucket {
        let level = index / RADIX;
        self.occupied[level] &= !(1 << (index % RADIX));
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
        std::mem::replace(&mut self.buckets[index], Bucket::EMPTY)
    }

    /// Moves the earliest bucket, or the earliest events of a large one, into the empty bottom.
    #[inline(never)]
    fn refill(&mut self) {
        let Some((level, index)) = self.lowest() else {
            return;
        };
        let bucket = self.take(index);
        // A sort key at the highest level would have too many bits; it comes to pass every 36 years.
        if bucket.len <= BLOCK && level < LEVELS - 1 {
            self.limit = bucket.min | below(level);
            self.sort_into_bottom(bucket, level);
        } else {
            // At least the earliest instant lands in the bottom, all else at a lower level than before.
            self.limit = bucket.min;
            self.spread(bucket, |_| true);
        }
    }

    /// Sorts one block into the bottom by (time, place), as one integer each: sorting the items themselves
    /// moves three times as many bytes, and would allocate for large events.
    fn sort_into_bottom(&mut self, bucket: Bucket, level: usize) {
        let block = &mut self.blocks[bucket.first];
        let mut keys = [0; BLOCK];
        let keys = &mut keys[..bucket.len];
        for (place, (key, item)) in keys.iter_mut().zip(&block.items).enumerate() {
            // All times here agree in the digits from `level` up.
            *key = (item.0 & below(level)) << DIGIT_BITS | place as u64;
        }
        keys.sort_unstable();
        self.bottom.extend(keys.iter().map(|key| block.items[*key as usize % BLOCK]));
        block.next = self.free;
        self.free = bucket.first;
    }

    /// Inserts the events of a taken bucket that `keep` wants, in their order, relative to the present limit.
    fn spread(&mut self, bucket: Bucket, mut keep: impl FnMut(&Item<E>) -> bool) {
        let mut left = bucket.len;
        let mut index = bucket.first;
        while left > 0 {
            let here = left.min(BLOCK);
            // Freed before its events are inserted: they fill the memory that was just read.
            let block = self.blocks[index];
            self.blocks[index].next = self.free;
            self.free = index;
            for item in block.items[..here].iter().filter(|item| keep(item)) {
                self.append(*item);
            }
            left -= here;
            index = block.next;
        }
    }

    /// Takes the limit down to the floor, and what the bottom holds above it into buckets.
    #[cold]
    fn lower_limit(&mut self) {
        let level = level_of(self.limit ^ self.floor);
        self.limit = self.floor;
        // Buckets from `level` up keep their place: their events differ from both limits in the same digit.
        // There are lower ones only if the floor went back before an earlier limit.
        while let Some((_, index)) = self.lowest().filter(|(lowest, _)| *lowest < level) {
            let bucket = self.take(index);
            self.spread(bucket, |_| true);
        }
        let kept = self.bottom.partition_point(|item| item.0 <= self.limit);
        for place in kept..self.bottom.len() {
            self.append_to_bucket(self.bottom[place]);
        }
        self.bottom.truncate(kept);
    }

    fn occupied_buckets(&self) -> impl Iterator<Item = usize> + use<E> {
        let occupied = self.occupied;
        (0..LEVELS * RADIX).filter(move |index| occupied[index / RADIX] >> (index % RADIX) & 1 == 1)
    }

    /// The events of an occupied bucket in the order of their pushes.
    fn items(&self, bucket: Bucket) -> impl Iterator<Item = Item<E>> {
        iter::successors(Some(bucket.first), |index| Some(self.blocks[*index].next))
            .flat_map(|index| self.blocks[index].items)
            .take(bucket.len)
    }
}

impl<E> Default for Wheel<E> {
    fn default() -> Self {
        Self {
            bottom: VecDeque::new(),
            limit: 0,
            floor: 0,
            len: 0,
            levels: 0,
            occupied: [0; LEVELS],
            buckets: vec![Bucket::EMPTY; LEVELS * RADIX],
            blocks: Vec::new(),
            free: NONE,
        }
    }
}

impl<E> fmt::Debug for Wheel<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel").field("len", &self.len).finish_non_exhaustive()
    }
}

impl<E: Copy> EventQueue<E> for Wheel<E> {
    #[inline(always)]
    fn push(&mut self, at: SimTime, event: E) {
        self.len += 1;
        let item = (at.nanos(), event);
        if item.0 <= self.limit {
            self.insert_in_bottom(item);
        } else {
            self.append_to_bucket(item);
        }
    }

    #[inline]
    fn pop(&mut self) -> Option<(SimTime, E)> {
        if self.bottom.is_empty() {
            self.refill();
        }
        let (time, event) = self.bottom.pop_front()?;
        self.floor = time;
        self.len -= 1;
        Some((SimTime::from_nanos(time), event))
    }

    #[inline]
    fn pop_at(&mut self, at: SimTime) -> Option<E> {
        // Looks before it refills: a limit raised without a pop would send the next pushes through the bottom.
        if self.peek_time()? != at {
            return None;
        }
        self.pop().map(|(_, event)| event)
    }

    #[inline]
    fn peek_time(&self) -> Option<SimTime> {
        let time = match self.bottom.front() {
            Some(item) => item.0,
            None => self.buckets[self.lowest()?.1].min,
        };
        Some(SimTime::from_nanos(time))
    }

    fn len(&self) -> usize {
        self.len
    }

    fn retain(&mut self, mut keep: impl FnMut(SimTime, &E) -> bool) {
        let mut keep = |item: &Item<E>| keep(SimTime::from_nanos(item.0), &item.1);
        self.bottom.retain(&mut keep);
        self.len = self.bottom.len();
        // The limit stays, so every event returns into the bucket it was taken from.
        for index in self.occupied_buckets() {
            let bucket = self.take(index);
            self.spread(bucket, &mut keep);
            self.len += self.buckets[index].len;
        }
    }

    fn to_sorted(&self) -> Vec<(SimTime, E)> {
        let timed = |(time, event)| (SimTime::from_nanos(time), event);
        let mut sorted = Vec::with_capacity(self.len);
        sorted.extend(self.bottom.iter().copied().map(timed));
        for index in self.occupied_buckets() {
            let start = sorted.len();
            sorted.extend(self.items(self.buckets[index]).map(timed));
            sorted[start..].sort_by_key(|(time, _)| *time);
        }
        sorted
    }
}
