//! Routers: what they are made with, what they see, and where they write.

use core::ffi::c_void;

use crate::Status;
use crate::plugin::Host;
use crate::text::{ErrorSink, Sink, Str};

/// In [`Decision::experts`]: no expert serves this assignment.
pub const DROPPED: u32 = u32::MAX;

/// [`Decision::form`]: `experts` and `weights` are the routing.
pub const ASSIGNMENT: u32 = 0;
/// [`Decision::form`]: `scores` have been adjusted in place; the host takes the top k of them. Only with [`ADJUSTS_SCORES`].
pub const SCORES: u32 = 1;
/// [`Decision::form`]: `prices` are subtracted from every token's logits; the host takes the top k. The fastest form.
pub const PRICES: u32 = 2;

/// [`Decision::flags`]: `counts` has been filled in.
pub const COUNTED: u32 = 1;
/// [`Decision::flags`]: `entropy_nats` and `log_sum_exp` have been filled in.
pub const DESCRIBED: u32 = 2;
/// [`Decision::flags`]: `kl_nats` has been filled in.
pub const DIVERGENCE: u32 = 4;

/// [`Decision::feasibility`]: what the router was told to keep can be kept.
pub const FEASIBLE: u32 = 1;
/// [`Decision::feasibility`]: no routing can keep what the router was told to keep.
pub const INFEASIBLE: u32 = 2;

/// [`Batch::flags`]: some logit is the lowest finite number: that expert is masked for that token.
pub const MASKED: u32 = 1;

/// [`RouterContext::flags`]: the four thermal fields are known.
pub const THERMAL: u32 = 1;
/// [`RouterContext::combine`]: combine with the softmax of the penalised logits; 0 is the unpenalised gate over the chosen experts.
pub const PENALISED: u32 = 1;

/// [`RouterV1::flags`]: `route` may use [`SCORES`]; the host then hands over `scores` filled with the logits.
pub const ADJUSTS_SCORES: u32 = 1;

/// [`RouterTraits::flags`]: with these options the router looks at `true_costs`, which only an oracle can know.
pub const USES_ORACLE: u32 = 1;
/// [`RouterTraits::flags`]: with these options this is the plain top k that savings are measured against.
pub const IS_REFERENCE: u32 = 2;

/// What a router may depend on when it is made.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RouterContext {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// [`THERMAL`] or 0.
    pub flags: u32,
    /// Number of experts of the layer, at least 1.
    pub experts: u32,
    /// Experts each token is sent to, from 1 to `experts`.
    pub top_k: u32,
    /// Which MoE layer of the model the instance serves, from 0.
    pub layer: u32,
    /// Number of GPUs; 0 where none are known.
    pub devices: u32,
    /// Experts of each token's own choice that no price may take away, at most `top_k`.
    pub floor: u32,
    /// [`PENALISED`] or 0.
    pub combine: u32,
    /// Root seed of the run, for the router's own random streams.
    pub seed: u64,
    /// `[experts]` energy of an assignment as the scenario declares it (J).
    pub declared_costs: *const f64,
    /// `[experts x experts]` row i says how well each expert replaces i, from 0 to 1; null without similarity.
    pub similarity: *const f64,
    /// What a replacement by a wholly different expert costs, in units of the scores.
    pub similarity_charge: f64,
    /// `[experts + 1]` where each expert's copies begin in `copy_device`; null where the placement is not known.
    pub copy_first: *const u32,
    /// `[copy_first[experts]]` the GPUs that hold copies, each expert's by rising number.
    pub copy_device: *const u32,
    /// Kelvin above the surroundings per watt in the steady state (K/W).
    pub kelvin_per_watt: f64,
    /// Time constant of the slowest part that matters (s).
    pub time_constant_s: f64,
    /// Temperature of the surroundings (degC).
    pub ambient_degc: f64,
    /// Power of a GPU that waits (W).
    pub idle_w: f64,
}

/// One batch as a router sees it. Read-only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// [`MASKED`] or 0.
    pub flags: u32,
    /// Tokens, possibly 0.
    pub tokens: u32,
    /// Experts of the layer.
    pub experts: u32,
    /// Experts each token is sent to.
    pub top_k: u32,
    /// Number of the batch, from 0.
    pub batch: u32,
    /// Layer whose gate it is, from 0.
    pub layer: u32,
    /// GPUs: length of the three sample arrays.
    pub devices: u32,
    /// The instant of the decision (ns of simulated time).
    pub now_ns: u64,
    /// While this is the same number other than 0, samples, placement, sources and declared costs are what they were in the last call.
    pub revision: u64,
    /// `[tokens x experts]` row after row, dense, finite, aligned to 64 bytes.
    pub logits: *const f32,
    /// `[tokens x top_k]` the unpenalised top k of each token, by falling logit.
    pub reference_experts: *const u32,
    /// `[tokens x top_k]` its combine weights.
    pub reference_weights: *const f32,
    /// `[experts]` its assignments per expert.
    pub reference_counts: *const u32,
    /// `[tokens]` largest logit.
    pub row_max: *const f32,
    /// `[tokens]` sum of e^(logit - row_max) over the unpenalised top k.
    pub top_mass: *const f64,
    /// `[tokens]` probability of the first expert of the unpenalised top k.
    pub top_probability: *const f32,
    /// `[experts]` mean unpenalised probability.
    pub mean_probability: *const f64,
    /// Mean entropy of the unpenalised gate (nats).
    pub entropy_nats: f64,
    /// Mean log of the sum of exponentials of the logits.
    pub log_sum_exp: f64,
    /// `[experts]` energy of an assignment as declared at the start (J); null where nothing is declared.
    pub declared_costs: *const f64,
    /// `[experts]` energy that an assignment costs now (J); null for all but oracles.
    pub true_costs: *const f64,
    /// `[devices]` when each GPU's last sample was true (ns): its age is `now_ns` less this.
    pub sample_taken_ns: *const u64,
    /// `[devices]` temperature of the die as last sampled (degC); not a number where none has been read.
    pub sample_temperature_degc: *const f64,
    /// `[devices]` power as last sampled (W); not a number where none has been read.
    pub sample_power_w: *const f64,
    /// `[experts + 1]` where each expert's copies begin in `copy_device`; null where the placement is not known.
    pub copy_first: *const u32,
    /// `[copy_first[experts]]` the GPUs that hold copies.
    pub copy_device: *const u32,
    /// `[sources]` GPUs that hold the tokens in equal contiguous blocks; null where that is not known.
    pub source_devices: *const u32,
    /// Number of `source_devices`.
    pub sources: u32,
    /// GPUs of a node.
    pub devices_per_node: u32,
}

/// Where a router writes what it has decided. Buffers belong to the host.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// [`ASSIGNMENT`] (which the host presets), [`SCORES`] or [`PRICES`].
    pub form: u32,
    /// [`COUNTED`], [`DESCRIBED`] and [`DIVERGENCE`]; the host presets 0.
    pub flags: u32,
    /// [`FEASIBLE`], [`INFEASIBLE`] or, as preset, 0: there is nothing to keep.
    pub feasibility: u32,
    /// `[tokens x top_k]` chosen experts, each token's all different, by falling score; [`DROPPED`] where none. Not preset.
    pub experts: *mut u32,
    /// `[tokens x top_k]` combine weights, finite, not negative, each token's summing to 1 over what is not dropped. Not preset.
    pub weights: *mut f32,
    /// `[experts]` assignments per expert, preset to 0; with [`COUNTED`].
    pub counts: *mut u32,
    /// `[tokens x experts]` preset to the logits; null without [`ADJUSTS_SCORES`].
    pub scores: *mut f32,
    /// `[experts]` prices (nats), preset to 0.
    pub prices: *mut f32,
    /// Mean entropy of the distribution the router selected from (nats); with [`DESCRIBED`].
    pub entropy_nats: f64,
    /// Its mean log of the sum of exponentials; with [`DESCRIBED`].
    pub log_sum_exp: f64,
    /// KL divergence from the unpenalised gate to it (nats); with [`DIVERGENCE`].
    pub kl_nats: f64,
    /// Floating-point operations a token beyond gate product and plain top k, which the run is charged for; preset to 0.
    pub operations_per_token: f64,
}

/// What a finished batch has cost. Read-only.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Feedback {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// Experts of the layer: length of the arrays.
    pub experts: u32,
    /// The batch.
    pub batch: u32,
    /// The layer it has passed.
    pub layer: u32,
    /// When it finished (ns).
    pub now_ns: u64,
    /// `[experts]` assignments served.
    pub assignments: *const u32,
    /// `[experts]` energy spent on them (J).
    pub joules: *const f64,
    /// `[experts]` time worked on them (s).
    pub seconds: *const f64,
}

/// What options make of a router.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RouterTraits {
    /// Size of this struct as the host knows it.
    pub struct_size: u32,
    /// [`USES_ORACLE`] and [`IS_REFERENCE`]; the host presets 0.
    pub flags: u32,
}

/// The functions of a router. Those that may be null say so.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RouterV1 {
    /// Size of this struct as the plugin knows it.
    pub struct_size: u32,
    /// [`ADJUSTS_SCORES`] or 0.
    pub flags: u32,
    /// Checks options (a JSON object) by themselves and writes them back with all defaults filled in. Null: every object is accepted as it is.
    pub configure: Option<
        unsafe extern "C" fn(
            config: Str,
            resolved: *const Sink,
            traits: *mut RouterTraits,
            error: *const ErrorSink,
        ) -> Status,
    >,
    /// Makes an instance for one layer of one run. On any status but [`OK`](crate::OK) nothing has been made.
    pub create: unsafe extern "C" fn(
        host: *const Host,
        config: Str,
        context: *const RouterContext,
        instance: *mut *mut c_void,
        error: *const ErrorSink,
    ) -> Status,
    /// Frees an instance.
    pub destroy: unsafe extern "C" fn(instance: *mut c_void),
    /// Routes one batch.
    pub route: unsafe extern "C" fn(
        instance: *mut c_void,
        batch: *const Batch,
        decision: *mut Decision,
        error: *const ErrorSink,
    ) -> Status,
    /// Told when a batch has finished, once a batch, in order. Null: the router does not learn.
    pub feedback: Option<
        unsafe extern "C" fn(instance: *mut c_void, feedback: *const Feedback, error: *const ErrorSink) -> Status,
    >,
    /// Writes everything that changed since `create`. Null: nothing does.
    pub save:
        Option<unsafe extern "C" fn(instance: *mut c_void, state: *const Sink, error: *const ErrorSink) -> Status>,
    /// Continues from saved bytes of an instance with the same options and context. Null where `save` is.
    pub restore: Option<
        unsafe extern "C" fn(instance: *mut c_void, state: *const u8, len: usize, error: *const ErrorSink) -> Status,
    >,
    /// Answers with an extension's table of functions or null. May be null itself.
    pub get_extension: Option<unsafe extern "C" fn(id: Str) -> *const c_void>,
}
