//! Which copy of an expert serves a token, and where tokens come from: the `[dispatch]` section.

use serde::{Deserialize, Serialize};

use crate::id::GpuId;

/// The `[dispatch]` section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DispatchSpec {
    /// How an expert's assignments are shared out among its copies.
    #[serde(default)]
    pub copies: CopyChoice,
}

/// How an expert's assignments are shared out among its copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyChoice {
    /// Equally.
    #[default]
    Even,
    /// In proportion to the speed that their GPUs have shown.
    BySpeed,
    /// To the copy on the token's own GPU, else to those in its node, equally, else to all, equally.
    LocalFirst,
}

/// Where tokens come from: GPUs hold equal contiguous blocks of every batch (data parallelism).
///
/// ```
/// use isotherm_core::{dispatch::TokenSources, id::GpuId};
/// let gpus = [GpuId(0), GpuId(1), GpuId(3)];
/// let sources = TokenSources::new(&gpus, 2);
/// assert_eq!((0..6).map(|t| sources.of(t, 6).0).collect::<Vec<_>>(), [0, 0, 1, 1, 3, 3]);
/// assert!(sources.same_node(GpuId(0), GpuId(1)) && !sources.same_node(GpuId(1), GpuId(3)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSources<'a> {
    gpus: &'a [GpuId],
    gpus_per_node: usize,
}

impl<'a> TokenSources<'a> {
    /// Tokens on `gpus`, those that are not lost, in nodes of so many GPUs.
    #[must_use]
    #[inline]
    pub fn new(gpus: &'a [GpuId], gpus_per_node: usize) -> Self {
        Self { gpus, gpus_per_node: gpus_per_node.max(1) }
    }

    /// The GPU of token t of T: with G GPUs, the one at place floor(t G / T).
    #[must_use]
    pub fn of(&self, token: usize, tokens: usize) -> GpuId {
        let place = token * self.gpus.len() / tokens.max(1);
        self.gpus.get(place).copied().unwrap_or_default()
    }

    /// How many of `tokens` tokens each GPU holds, in the order of [`TokenSources::gpus`].
    ///
    /// ```
    /// use isotherm_core::{dispatch::TokenSources, id::GpuId};
    /// let gpus = [GpuId(0), GpuId(1), GpuId(3)];
    /// assert_eq!(TokenSources::new(&gpus, 2).held(7).collect::<Vec<_>>(), [3, 2, 2]);
    /// ```
    pub fn held(&self, tokens: u32) -> impl Iterator<Item = u32> + use<> {
        let gpus = self.gpus.len() as u64;
        // GPU g holds the tokens t with floor(t G / T) = g.
        let first = move |place: u64| (place * u64::from(tokens)).div_ceil(gpus.max(1)) as u32;
        (0..gpus).map(move |place| first(place + 1) - first(place))
    }

    /// The GPUs that hold tokens, by rising number.
    #[must_use]
    pub fn gpus(&self) -> &'a [GpuId] {
        self.gpus
    }

    /// Whether two GPUs are in one node.
    #[must_use]
    pub fn same_node(&self, a: GpuId, b: GpuId) -> bool {
        a.index() / self.gpus_per_node == b.index() / self.gpus_per_node
    }
}
