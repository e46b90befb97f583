//! Where a router writes what it has decided.

use isotherm_core::gate::GateBatch;
use isotherm_core::router::RouterError;
use isotherm_core::routing::{GateSummary, Routing};

/// What a router decides for one batch, in one of three forms. The form that was asked for last counts; a router that asks for none gets the plain
/// top k of the gate.
///
/// | form | what the author writes | what isotherm does with it |
/// |---|---|---|
/// | [`prices`](Decision::prices) | a price per expert | subtracts it from every token's logits, takes the top k: the fastest form |
/// | [`scores`](Decision::scores) | a score per token and expert | takes the top k |
/// | [`routing`](Decision::routing) | experts and weights | checks them |
///
/// The options that all routers share (`floor`, `combine`, `similarity`) are honoured by isotherm with prices and scores. A router that writes
/// assignments honours them itself, most easily through a [`Selector`](crate::routing::Selector) made of the context's options.
#[derive(Debug)]
pub struct Decision<'a> {
    form: Form,
    prices: &'a mut [f32],
    /// None unless the router has said that it adjusts scores.
    scores: Option<&'a mut [f32]>,
    routing: Routing<'a>,
    /// Where the lent buffers of `routing` are, and how long: experts, weights, counts.
    lent: [(usize, usize); 3],
}

/// Which form counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Prices,
    Scores,
    Assignment,
}

/// What is left of a decision once its buffers have been written to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Made {
    pub(crate) form: Form,
    /// Whether the assignments per expert have been counted too.
    pub(crate) counted: bool,
    pub(crate) gate: Option<GateSummary>,
}

impl<'a> Decision<'a> {
    /// A decision in lent buffers: `prices` all 0, `scores` the logits, `routing` for the batch with counts of 0.
    #[inline(always)]
    pub(crate) fn new(prices: &'a mut [f32], scores: Option<&'a mut [f32]>, routing: Routing<'a>) -> Self {
        let lent = places(&routing);
        Self { form: Form::Prices, prices, scores, routing, lent }
    }

    /// The price of every expert (nats), preset to 0. Isotherm subtracts them from every token's logits and takes the top k.
    ///
    /// A price that is not a number counts as the largest there is.
    pub fn prices(&mut self) -> &mut [f32] {
        self.form = Form::Prices;
        self.prices
    }

    /// The score of every expert for every token, `tokens x experts`, row after row, preset to the logits. Isotherm takes the top k.
    ///
    /// # Errors
    /// [`RouterError::Failed`] unless the router says `const ADJUSTS_SCORES: bool = true`, for only then are scores made.
    pub fn scores(&mut self) -> Result<&mut [f32], RouterError> {
        self.form = Form::Scores;
        self.scores.as_deref_mut().ok_or_else(|| {
            let message = "there are no scores to adjust; say `const ADJUSTS_SCORES: bool = true;` in `impl Router`";
            RouterError::Failed(message.to_owned())
        })
    }

    /// The whole routing: experts and weights of every token, in buffers of the right length, and counts of 0. Experts and weights hold anything
    /// at first.
    ///
    /// Counts may be left at 0: then isotherm counts. The buffers are lent: write to them, do not put others in their place.
    ///
    /// ```
    /// use isotherm_plugin::prelude::*;
    /// use isotherm_plugin::testkit;
    ///
    /// /// Sends token t to experts t, t + 1, ...
    /// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
    /// struct InTurn {}
    ///
    /// impl Router for InTurn {
    ///     fn route(&mut self, gate: &GateBatch<'_>, _: &ClusterView<'_>, out: &mut Decision<'_>) -> Result<(), RouterError> {
    ///         let (experts, routing) = (gate.experts(), out.routing());
    ///         let k = routing.top_k();
    ///         for (token, row) in routing.experts.chunks_exact_mut(k).enumerate() {
    ///             for (slot, expert) in row.iter_mut().enumerate() { *expert = ((token + slot) % experts) as u32; }
    ///         }
    ///         routing.weights.fill(1.0 / k as f32);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// testkit::check_router(&InTurn {});
    /// ```
    pub fn routing(&mut self) -> &mut Routing<'a> {
        self.form = Form::Assignment;
        &mut self.routing
    }

    /// What the buffers hold now.
    #[inline(always)]
    pub(crate) fn made(&self, gate: &GateBatch<'_>) -> Result<Made, RouterError> {
        if self.form != Form::Assignment {
            return Ok(Made { form: self.form, counted: false, gate: None });
        }
        if places(&self.routing) != self.lent {
            let message = "the buffers of the routing have been replaced or resized; write into them instead, for example with \
                           `copy_from_slice`";
            return Err(RouterError::Failed(message.to_owned()));
        }
        let counted = gate.tokens() == 0 || self.routing.counts.iter().any(|count| *count > 0);
        Ok(Made { form: self.form, counted, gate: self.routing.gate })
    }
}

#[inline(always)]
fn places(routing: &Routing<'_>) -> [(usize, usize); 3] {
    let (experts, weights, counts) = (&*routing.experts, &*routing.weights, &*routing.counts);
    [
        (experts.as_ptr().addr(), experts.len()),
        (weights.as_ptr().addr(), weights.len()),
        (counts.as_ptr().addr(), counts.len()),
    ]
}
