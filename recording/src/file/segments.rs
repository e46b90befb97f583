//! All segments of a recording as one.

use std::path::Path;

use isotherm_core::input::InputError;

use crate::recorder::{FileFormat, journal_of, segment_path};

use super::rows::require_rows;
use super::{Recording, open};

/// Reads a file and, where it is the first segment of a rotated recording, those after it.
pub(super) fn open(file: &str) -> Result<Recording, InputError> {
    let mut recording = open::one(file)?;
    let (started, path) = match &recording.header {
        Some(header) if header.segment == 1 => (header.started, Path::new(file)),
        _ => return require_rows(recording),
    };
    let name = path.to_string_lossy();
    let path = name.strip_suffix(".journal.csv").map_or(path, Path::new);
    let format = FileFormat::of(path);
    for segment in 2.. {
        let next = segment_path(path, format, segment);
        let next = if next.exists() { next } else { journal_of(&next) };
        if !next.exists() {
            break;
        }
        let next = open::one(&next.to_string_lossy())?;
        // A longer recording of the same name may have left files that are not of this one.
        if next.header.as_ref().is_none_or(|header| (header.started, header.segment) != (started, segment)) {
            break;
        }
        recording.extend(next)?;
    }
    require_rows(recording)
}

impl Recording {
    fn extend(&mut self, next: Self) -> Result<(), InputError> {
        let name = next.file.rsplit(['/', '\\']).next().unwrap_or(&next.file);
        self.notes.extend(next.notes.iter().map(|note| format!("{name}: {note}")));
        for (signal, odd) in next.odd {
            self.odd.entry(signal).or_insert(odd);
        }
        for track in next.tracks {
            match self.tracks.iter_mut().find(|known| known.gpu == track.gpu) {
                None => self.tracks.push(track),
                Some(known) if known.times.last() <= track.times.first() => known.extend(track),
                Some(known) => {
                    let found = format!("the time of GPU {} goes back against the segment before", known.gpu);
                    return Err(InputError::new(&next.file, found, "expected segments in order; open them one by one"));
                }
            }
        }
        self.tracks.sort_by_key(|track| track.gpu);
        Ok(())
    }
}
