//! Processors for which there is no product for small gates: candle multiplies.

/// Never made here; see `small_gate.rs`.
#[derive(Clone, Debug)]
pub struct SmallGate(std::convert::Infallible);

impl SmallGate {
    /// Always `None` on this processor.
    #[must_use]
    pub fn new(_: usize, _: &[f32]) -> Option<Self> {
        None
    }

    /// Cannot be called: there is no value of this type.
    #[must_use]
    pub fn logits(&self, _: &[f32]) -> Vec<f32> {
        match self.0 {}
    }
}
