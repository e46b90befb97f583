//! Files that are not as they were written: found, and what was in them done again.

use std::path::Path;

use proptest::prelude::*;

use super::bench::Bench;

fn cut(path: &Path, to: usize) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..to.min(bytes.len())]).unwrap();
}

fn flip(path: &Path, bit: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let bit = bit % (8 * bytes.len());
    bytes[bit / 8] ^= 1 << (bit % 8);
    std::fs::write(path, bytes).unwrap();
}

fn done() -> Bench {
    let bench = Bench::new();
    bench.expect(0, "sweep plan s.toml -o p --chunks 2");
    bench.expect(0, "sweep work p --all");
    bench
}

#[test]
fn a_shard_that_was_cut_is_done_again() {
    let bench = done();
    for length in [0, 3, 100, usize::MAX / 16] {
        let shard = bench.shard(1);
        let size = std::fs::metadata(&shard).unwrap().len() as usize;
        cut(&shard, length.min(size - 1));
        let (out, _) = bench.expect(0, "sweep status p");
        assert!(out.contains("damaged   chunk 1: ") && out.contains("--chunk 1`"), "{out}");
        let (_, err) = bench.expect(8, "sweep merge p");
        assert!(err.contains("3 of 6 points are missing: 3-5"), "{err}");
        let (_, err) = bench.expect(0, "sweep work p --all");
        assert!(err.contains("chunk 0: done before") && err.contains("chunk 1: 3 points in"), "{err}");
    }
    bench.equals_run();
}

#[test]
fn a_journal_that_was_cut_or_flipped_loses_its_tail_only() {
    for damage in [cut as fn(&Path, usize), |path, at| flip(path, 8 * at)] {
        let bench = done();
        // A retry is one way to a journal with whole points in it; here the shard is taken away behind its back.
        let shard = bench.shard(0);
        let journal = bench.path("p/journal/chunk-000000.another.journal");
        std::fs::write(&journal, journal_of(&bench)).unwrap();
        std::fs::remove_file(&shard).unwrap();
        let size = std::fs::metadata(&journal).unwrap().len() as usize;
        damage(&journal, size * 2 / 3);
        let (_, err) = bench.expect(0, "sweep work p --all");
        assert!(err.contains("chunk 0: ") && err.contains("kept before"), "{err}");
        assert_eq!(bench.shard(0), shard, "the same bytes as before");
        bench.equals_run();
    }
}

/// A journal that a worker of another plan of the same sweep, with one chunk, leaves when it is interrupted at its end: the file is made by
/// killing nobody, from the records of the shard.
fn journal_of(bench: &Bench) -> Vec<u8> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let shard = SerializedFileReader::new(std::fs::File::open(bench.shard(0)).unwrap()).unwrap();
    let mut journal = b"isotherm journal 2\n".to_vec();
    for row in shard.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let (_, Field::Bytes(record)) = row.get_column_iter().find(|(name, _)| *name == "record").unwrap() else {
            panic!("a record is bytes")
        };
        journal.extend((record.len() as u32).to_le_bytes());
        journal.extend(record.data());
    }
    journal
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Wherever a bit of a shard flips, nobody takes it for done, and nothing else is done again.
    #[test]
    fn no_bit_of_a_shard_may_flip(bits in prop::collection::vec(0..usize::MAX / 16, 4), tail in 0..4096_usize) {
        let bench = done();
        let size = 8 * std::fs::metadata(bench.shard(0)).unwrap().len() as usize;
        // The end of the file says where everything is.
        for bit in bits.into_iter().chain([size - 1 - tail]) {
            flip(&bench.shard(0), bit);
            let (out, _) = bench.expect(0, "sweep status p");
            prop_assert!(out.contains("damaged   chunk 0: "), "bit {} of {size}: {out}", bit % size);
            bench.expect(0, "sweep work p --all --quiet");
        }
        bench.equals_run();
    }
}
