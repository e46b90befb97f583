//! All that a table for people says, before it is known how it is drawn.

use std::path::Path;

use super::digest::Digest;
use super::grid::Grid;
use super::notes;
use super::stream::{self, See};
use super::work::Work;
use crate::results::{Failure, ReadError, Results, Row};

/// The file that all rows are in.
pub(super) const SUMMARY: &str = "summary.json";

/// Headed tables, and the notes below them.
#[derive(Debug)]
pub(super) struct Contents {
    /// A table with what stands above it, if anything.
    pub(super) tables: Vec<(Option<String>, Grid)>,
    pub(super) notes: Vec<String>,
    /// Runs that failed.
    pub(super) failures: Vec<String>,
}

impl See for Digest {
    fn row(&mut self, row: &Row) -> std::io::Result<()> {
        self.row(row);
        Ok(())
    }

    fn failure(&mut self, failure: &Failure) {
        self.failure(failure);
    }
}

impl Contents {
    /// Those of a results folder. Only of a small one, or of one whose summary cannot be read, more than the summary is looked at.
    ///
    /// # Errors
    /// If nothing of the folder can be read.
    pub(super) fn of(folder: &Path, ascii: bool) -> Result<Self, ReadError> {
        let mut digest = Digest::default();
        let streamed = stream::read(folder, &mut digest);
        let digest = digest.complete();
        match streamed {
            Ok(summary) if !digest.is_whole() => {
                let mut contents = Self::of_many(&digest);
                contents.notes.push(where_all_are(&digest, &folder.join(SUMMARY)));
                contents.tell(notes::notes(&summary, &digest), notes::failures(&digest));
                Ok(contents)
            }
            _ => Ok(Self::of_results(&Results::open(folder)?, ascii)),
        }
    }

    fn of_many(digest: &Digest) -> Self {
        let (first, all) = (digest.rows.len(), digest.row_count);
        let mut tables = vec![(Some(format!("the first {first} of {all} rows")), plain(&digest.rows))];
        if !digest.best.is_empty() {
            tables.push((Some(format!("the {} rows that save most", digest.best.len())), plain(&digest.best)));
        }
        Self { tables, notes: Vec::new(), failures: Vec::new() }
    }

    /// Those of a folder that is open already: the same, and of a large one with what is odd about it too.
    pub(super) fn of_results(results: &Results, ascii: bool) -> Self {
        let mut digest = Digest::default();
        results.summary.rows.iter().for_each(|row| digest.row(row));
        results.summary.failures.iter().for_each(|failure| digest.failure(failure));
        let digest = digest.complete();
        let (mut contents, mut damaged) = (Self::of_many(&digest), None);
        let mut about_work = None;
        if digest.is_whole() {
            let work = Work::of(results).unwrap_or_else(|error| {
                damaged = Some(format!("series.parquet: it is damaged: {}", error.found));
                None
            });
            contents.tables = vec![(None, Grid::of(&digest.rows, work.as_ref(), ascii, true))];
            about_work = work.map(|work| work.note(ascii));
        } else if results.gaps.iter().all(|gap| gap.file != SUMMARY) {
            contents.notes.push(where_all_are(&digest, &results.path.join(SUMMARY)));
        }
        contents.tell(notes::notes(&results.summary, &digest), notes::failures(&digest));
        contents.notes.extend(about_work);
        // Each failed run is told already.
        let is_told = |gap: &&crate::results::Gap| gap.file == "runs.parquet" && gap.sentence.contains(" failed");
        contents.notes.extend(results.gaps.iter().filter(|gap| !is_told(gap)).map(ToString::to_string));
        contents.notes.extend(damaged);
        contents
    }

    fn tell(&mut self, notes: Vec<String>, failures: Vec<String>) {
        self.notes.extend(notes);
        self.failures.extend(failures);
    }
}

fn where_all_are(digest: &Digest, summary: &Path) -> String {
    format!("all {} rows are in {}", digest.row_count, summary.display())
}

/// Of rows that are not all there is.
fn plain(rows: &[Row]) -> Grid {
    Grid::of(rows, None, false, false)
}
