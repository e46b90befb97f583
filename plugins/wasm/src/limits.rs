//! How much a plugin may take.

/// What one instance of a module may take. Both limits are exact: a run that stays within them on one computer does so on all.
///
/// ```
/// use isotherm_plugin_wasm::Limits;
/// let limits = Limits { fuel_per_call: 50_000_000, ..Limits::default() };
/// assert_eq!(limits.memory_bytes, 256 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest linear memory (bytes), with what the host lays into it: a batch takes about `tokens x (4 experts + 16 top_k + 16)`, and as
    /// much as its logits again where the router adjusts scores. The same bounds a saved state.
    pub memory_bytes: usize,
    /// WebAssembly instructions of one call. Copying or filling memory costs one a byte, also in the host's callbacks. A computer does
    /// one to three thousand million in a second.
    pub fuel_per_call: u64,
}

impl Default for Limits {
    /// 256 MiB, and two thousand million instructions: about a second.
    fn default() -> Self {
        Self { memory_bytes: 256 << 20, fuel_per_call: 2_000_000_000 }
    }
}
