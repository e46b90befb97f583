//! What every strategy is asked to respect: the options that a scenario may write beside any `kind`.

use serde::{Deserialize, Serialize};

use crate::router::RouterError;

/// Options that all routers share: how many experts of a token's own choice stay, which experts can stand in for each other,
/// and what the outputs are combined with.
///
/// The scenario reader takes them out of a `[[router]]` table before the strategy's own options, so that every strategy, also one
/// loaded from a library, has them under the same names. A strategy that cannot honour one refuses it when it is built.
///
/// ```
/// use isotherm_core::routing::{Combine, RoutingOptions};
/// let plain = RoutingOptions::default();
/// assert_eq!((plain.floor, plain.combine), (0, Combine::SelectionOnly));
/// assert!(RoutingOptions { floor: 3, ..plain }.check(8, 2).is_err(), "a token has two experts, not three");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoutingOptions {
    /// Experts of each token that no price can take away: the first `floor` of its unpenalised choice (opportunistic activation,
    /// arXiv:2511.02237).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub floor: u32,
    /// With which weights the outputs of the chosen experts are combined.
    #[serde(default, skip_serializing_if = "is_default")]
    pub combine: Combine,
    /// Which experts can stand in for each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similarity: Option<Similarity>,
}

/// With which weights the outputs of the chosen experts are combined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// The unpenalised gate over the chosen experts: the price chooses, the gate weighs. Same energy, up to half the shift of the
    /// layer's output (DeepSeek-V3's separation, arXiv:2412.19437).
    #[default]
    SelectionOnly,
    /// Softmax of the penalised logits over the chosen experts, as in the classic experiment.
    Penalised,
}

/// Similarity of experts: an expert outside a token's unpenalised choice is charged for how far it is from the nearest one inside.
///
/// score of j  <-  score of j - `charge` (1 - max over i in the token's top k of `matrix[i][j]`). Experts of the choice itself
/// are charged nothing, so that a price of zero still is the baseline (SiftMoE, arXiv:2603.23888).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Similarity {
    /// `experts x experts`, entries from 0 (nothing in common) to 1 (the same): row i says how well each j replaces i.
    pub matrix: Vec<Vec<f64>>,
    /// What a replacement by a wholly different expert costs, in the units of the strategy's scores.
    #[serde(default = "one")]
    pub charge: f64,
}

fn one() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl RoutingOptions {
    /// What the scenario reader takes out of a router's table, and an example of each.
    pub const KEYS: [(&'static str, &'static str); 3] = [
        ("floor", "floor = 1"),
        ("combine", "combine = \"selection-only\""),
        ("similarity", "similarity = { matrix = [[1.0, 0.5], [0.5, 1.0]], charge = 1.0 }"),
    ];

    /// Nothing but a plain top-k.
    pub const PLAIN: Self = Self { floor: 0, combine: Combine::SelectionOnly, similarity: None };

    /// Whether the options fit a layer of `experts` experts of which each token takes `top_k`.
    ///
    /// # Errors
    /// [`RouterError::Option`] with the option's key and an example.
    pub fn check(&self, experts: usize, top_k: usize) -> Result<(), RouterError> {
        if self.floor as usize > top_k {
            return Err(RouterError::Option {
                option: "floor",
                message: format!(
                    "{} experts of a token cannot stay when it has {top_k}; for example `floor = 1`",
                    self.floor
                ),
            });
        }
        self.similarity.as_ref().map_or(Ok(()), |similarity| similarity.check(experts))
    }

    /// Refuses every option: for strategies that none of them means anything to.
    ///
    /// # Errors
    /// [`RouterError::Option`] with the first option that was given.
    pub fn refuse_all(&self, strategy: &str) -> Result<(), RouterError> {
        let given = [("floor", self.floor > 0), ("similarity", self.similarity.is_some())];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => {
                Err(RouterError::Option { option, message: format!("means nothing to {strategy}; leave it out") })
            }
            None => self.refuse_penalised(strategy),
        }
    }

    /// Refuses `combine = "penalised"`: for strategies that choose by something else than penalised logits.
    ///
    /// # Errors
    /// [`RouterError::Option`] if it was asked for.
    pub fn refuse_penalised(&self, strategy: &str) -> Result<(), RouterError> {
        if self.combine == Combine::SelectionOnly {
            return Ok(());
        }
        Err(RouterError::Option {
            option: "combine",
            message: format!(
                "{strategy} has no penalised logits to weigh with; leave it out or write `combine = \"selection-only\"`"
            ),
        })
    }
}

impl Similarity {
    fn check(&self, experts: usize) -> Result<(), RouterError> {
        let fault = |message: String| {
            Err(RouterError::Option {
                option: "similarity",
                message: format!(
                    "{message}; for example, for two experts, `similarity = {{ matrix = [[1.0, 0.5], [0.5, 1.0]] }}`"
                ),
            })
        };
        if self.matrix.len() != experts || self.matrix.iter().any(|row| row.len() != experts) {
            let columns = self.matrix.first().map_or(0, Vec::len);
            return fault(format!(
                "the matrix must be {experts} x {experts}, one row and one column per expert, found {} x {columns}",
                self.matrix.len()
            ));
        }
        for (i, row) in self.matrix.iter().enumerate() {
            for (j, entry) in row.iter().enumerate() {
                if !(0.0..=1.0).contains(entry) {
                    return fault(format!("entry {entry} of experts {i} and {j} is not within 0 and 1"));
                }
            }
            if row[i] != 1.0 {
                return fault(format!("expert {i} must be wholly similar to itself (1.0), found {}", row[i]));
            }
        }
        if !(self.charge.is_finite() && self.charge >= 0.0) {
            return fault(format!("`charge` must be a finite number of at least 0, found {}", self.charge));
        }
        Ok(())
    }
}
