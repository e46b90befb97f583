//! What a timeline is made of, whichever way it is written.

use std::io::Result;

/// A track that was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Track(pub(super) u64);

/// A track before it is declared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane<'a> {
    /// The track it stands under.
    pub(super) parent: Option<Track>,
    pub(super) name: &'a str,
    /// Its place among its siblings.
    pub(super) rank: usize,
    /// The unit of a counter; `None` for a track of slices and instants.
    pub(super) unit: Option<&'static str>,
}

/// A value that is shown beside a slice or an instant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Whole(i64),
    Real(f64),
    Text(&'a str),
}

/// A named value. The name carries the unit.
pub(super) type Argument<'a> = (&'static str, Value<'a>);

/// Where a timeline goes. Times are nanoseconds; slices of one track do not overlap.
pub(super) trait Sink {
    fn declare(&mut self, lane: Lane<'_>) -> Result<Track>;

    fn slice(&mut self, track: Track, name: &str, span: (u64, u64), arguments: &[Argument<'_>]) -> Result<()>;

    fn instant(&mut self, track: Track, name: &str, at: u64, arguments: &[Argument<'_>]) -> Result<()>;

    /// A counter has a value from now on.
    fn count(&mut self, track: Track, at: u64, value: f64) -> Result<()>;
}
