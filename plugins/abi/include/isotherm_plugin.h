/*
 * Interface between isotherm and plugins, for C99 and C++17. Licence: MIT OR Apache-2.0.
 *
 * A library exports one function, `isotherm_plugin_v1`, and carries a label (ISOTHERM_LABEL) that says what it offers.
 *
 * Memory:      whoever allocates frees. What is handed over is valid during the call only; input arrays are read-only.
 * Threads:     at most one call at a time for an instance, from any thread; different instances at the same time.
 * Determinism: an answer follows from options, context, restored state and the calls so far.
 * Growth:      fields are only added at the end of structs that begin with `struct_size`.
 * Failure:     a status other than ISOTHERM_OK ends the run it happened in; no exception or longjmp crosses the border.
 */

#ifndef ISOTHERM_PLUGIN_H
#define ISOTHERM_PLUGIN_H

/* Made from plugins/abi/src by plugins/abi/header.sh: change those and run it again. */

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define ISOTHERM_VISIBLE __declspec(dllexport)
#elif defined(__GNUC__)
#define ISOTHERM_VISIBLE __attribute__((visibility("default")))
#else
#define ISOTHERM_VISIBLE
#endif

/*
 * Stands before the definition of the one function a library exports:
 *     ISOTHERM_EXPORT const IsothermPlugin *isotherm_plugin_v1(const IsothermHost *host) { ... }
 */
#ifdef __cplusplus
#define ISOTHERM_EXPORT extern "C" ISOTHERM_VISIBLE
#else
#define ISOTHERM_EXPORT ISOTHERM_VISIBLE
#endif

/* Initial value of an IsothermStr: `IsothermStr name = ISOTHERM_STR("acme/cool-first");` */
#define ISOTHERM_STR(literal) { literal, sizeof(literal) - 1 }

/* Keeps data that no code refers to. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define ISOTHERM_KEPT __attribute__((used, retain))
#endif
#endif
#if !defined(ISOTHERM_KEPT) && defined(__GNUC__)
#define ISOTHERM_KEPT __attribute__((used))
#elif !defined(ISOTHERM_KEPT)
#define ISOTHERM_KEPT
#endif

#define ISOTHERM_TEXT_OF(number) #number
#define ISOTHERM_TEXT(number) ISOTHERM_TEXT_OF(number)

/*
 * The label of a library, once in a library and outside of any function. What it offers stands side by side:
 *     ISOTHERM_LABEL("acme-routers", "0.3.1", ISOTHERM_LABEL_ROUTER("acme/cool-first") ISOTHERM_LABEL_ROUTER("acme/wait"));
 */
#define ISOTHERM_LABEL(package, version, items)                                                                        \
    ISOTHERM_KEPT static const char isotherm_label[] =                                                                 \
        "isotherm:" "plugin:label\n"                                                                                   \
        "abi " ISOTHERM_TEXT(ISOTHERM_ABI_MAJOR) "." ISOTHERM_TEXT(ISOTHERM_ABI_MINOR) "\n"                            \
        "package " package "\n"                                                                                        \
        "version " version "\n" items
#define ISOTHERM_LABEL_ROUTER(name) "router " name "\n"
#define ISOTHERM_LABEL_TELEMETRY(name) "telemetry " name "\n"
#define ISOTHERM_LABEL_PLACEMENT(name) "placement " name "\n"
#define ISOTHERM_LABEL_LOAD(name) "load " name "\n"

/* Whether a field lies within the size that the filler of a struct knew; asked before a field that came after 1.0 is read. */
#define ISOTHERM_HAS_FIELD(type, size, field) ((size) >= offsetof(type, field) + sizeof(((type *)0)->field))


/*
 First number of the interface: libraries of another one cannot be used. It is part of the name of `isotherm_plugin_v1`.
 */
#define ISOTHERM_ABI_MAJOR 1

/*
 Second number of the interface: what was added without breaking anything. 1 brought loads (`ISOTHERM_LOAD`).
 */
#define ISOTHERM_ABI_MINOR 1

/*
 An `IsothermFactory` of routers: its `vtable` is an `IsothermRouterV1`.
 */
#define ISOTHERM_ROUTER 1

/*
 An `IsothermFactory` of telemetry sources: its `vtable` is an `IsothermTelemetryV1`.
 */
#define ISOTHERM_TELEMETRY 2

/*
 An `IsothermFactory` of placement policies: its `vtable` is an `IsothermPlacementV1`.
 */
#define ISOTHERM_PLACEMENT 3

/*
 An `IsothermFactory` of loads: its `vtable` is an `IsothermLoadV1`. Since 1.1.
 */
#define ISOTHERM_LOAD 4

/*
 In `IsothermDecision.experts`: no expert serves this assignment.
 */
#define ISOTHERM_DROPPED UINT32_MAX

/*
 `IsothermDecision.form`: `experts` and `weights` are the routing.
 */
#define ISOTHERM_ASSIGNMENT 0

/*
 `IsothermDecision.form`: `scores` have been adjusted in place; the host takes the top k of them. Only with `ISOTHERM_ADJUSTS_SCORES`.
 */
#define ISOTHERM_SCORES 1

/*
 `IsothermDecision.form`: `prices` are subtracted from every token's logits; the host takes the top k. The fastest form.
 */
#define ISOTHERM_PRICES 2

/*
 `IsothermDecision.flags`: `counts` has been filled in.
 */
#define ISOTHERM_COUNTED 1

/*
 `IsothermDecision.flags`: `entropy_nats` and `log_sum_exp` have been filled in.
 */
#define ISOTHERM_DESCRIBED 2

/*
 `IsothermDecision.flags`: `kl_nats` has been filled in.
 */
#define ISOTHERM_DIVERGENCE 4

/*
 `IsothermDecision.feasibility`: what the router was told to keep can be kept.
 */
#define ISOTHERM_FEASIBLE 1

/*
 `IsothermDecision.feasibility`: no routing can keep what the router was told to keep.
 */
#define ISOTHERM_INFEASIBLE 2

/*
 `IsothermBatch.flags`: some logit is the lowest finite number: that expert is masked for that token.
 */
#define ISOTHERM_MASKED 1

/*
 `IsothermRouterContext.flags`: the four thermal fields are known.
 */
#define ISOTHERM_THERMAL 1

/*
 `IsothermRouterContext.combine`: combine with the softmax of the penalised logits; 0 is the unpenalised gate over the chosen experts.
 */
#define ISOTHERM_PENALISED 1

/*
 `IsothermRouterV1.flags`: `route` may use `ISOTHERM_SCORES`; the host then hands over `scores` filled with the logits.
 */
#define ISOTHERM_ADJUSTS_SCORES 1

/*
 `IsothermRouterTraits.flags`: with these options the router looks at `true_costs`, which only an oracle can know.
 */
#define ISOTHERM_USES_ORACLE 1

/*
 `IsothermRouterTraits.flags`: with these options this is the plain top k that savings are measured against.
 */
#define ISOTHERM_IS_REFERENCE 2

/*
 How a call ended.
 */
typedef int32_t IsothermStatus;

/*
 Text in UTF-8, not ended by a zero byte; null with length 0 is the empty text.
 */
typedef struct IsothermStr {
  /*
   First byte.
   */
  const char *ptr;
  /*
   Number of bytes.
   */
  size_t len;
} IsothermStr;

/*
 Takes bytes, in one piece or many: a saved state, or text that the callee makes.
 */
typedef struct IsothermSink {
  /*
   Handed back to `write`.
   */
  void *ctx;
  /*
   Appends `len` bytes.
   */
  void (*write)(void *ctx, const uint8_t *data, size_t len);
} IsothermSink;

/*
 Takes reports of what is wrong.
 */
typedef struct IsothermErrorSink {
  /*
   Handed back to `report`.
   */
  void *ctx;
  /*
   `pointer` is a JSON pointer (RFC 6901) into the options, such as `/cap/degc`, or empty; `message` is a sentence. May be called several
   times, once for each fault.
   */
  void (*report)(void *ctx, struct IsothermStr pointer, struct IsothermStr message);
} IsothermErrorSink;

/*
 What the host offers; lives as long as the process.
 */
typedef struct IsothermHost {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Interface of the host.
   */
  uint16_t abi_major;
  /*
   Interface of the host.
   */
  uint16_t abi_minor;
  /*
   Handed back to the functions.
   */
  void *ctx;
  /*
   Says something to the user, from any thread: level 1 error, 2 warning, 3 information, 4 detail.
   */
  void (*log)(void *ctx, int32_t level, struct IsothermStr message);
  /*
   Answers with an extension's table of functions, or null where the host has none of that name.
   */
  const void *(*get_extension)(void *ctx, struct IsothermStr id);
} IsothermHost;

/*
 One thing that scenarios can name.
 */
typedef struct IsothermFactory {
  /*
   Size of this struct as the plugin knows it.
   */
  uint32_t struct_size;
  /*
   `ISOTHERM_ROUTER`, `ISOTHERM_TELEMETRY`, `ISOTHERM_PLACEMENT` or `ISOTHERM_LOAD`; hosts pass over what they do not know.
   */
  uint32_t kind;
  /*
   `owner/name`: lower-case letters, digits and hyphens around one slash. The same name stands in the library's label.
   */
  struct IsothermStr name;
  /*
   The functions, by kind.
   */
  const void *vtable;
} IsothermFactory;

/*
 What the library offers; lives as long as the process.
 */
typedef struct IsothermPlugin {
  /*
   Size of this struct as the plugin knows it.
   */
  uint32_t struct_size;
  /*
   Interface the plugin was built for.
   */
  uint16_t abi_major;
  /*
   Interface the plugin was built for.
   */
  uint16_t abi_minor;
  /*
   JSON: `{"version", "description", "license", "homepage", "sdk", "panic", "items": [{"kind", "name", "summary", "docs", "options",
   "example"}]}`. Every field may be missing. `options` is the JSON schema (2020-12) of an item's options, `example` its options as JSON,
   `panic` is `"unwind"` or `"abort"`.
   */
  struct IsothermStr manifest;
  /*
   Number of `factories`.
   */
  uint32_t factory_count;
  /*
   What scenarios can name.
   */
  const struct IsothermFactory *const *factories;
} IsothermPlugin;

/*
 The type of the exported function. Null means that the library refuses this host. The answer lives as long as the process.
 */
typedef const struct IsothermPlugin *(*IsothermEntry)(const struct IsothermHost *host);

/*
 What a router may depend on when it is made.
 */
typedef struct IsothermRouterContext {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   `ISOTHERM_THERMAL` or 0.
   */
  uint32_t flags;
  /*
   Number of experts of the layer, at least 1.
   */
  uint32_t experts;
  /*
   Experts each token is sent to, from 1 to `experts`.
   */
  uint32_t top_k;
  /*
   Which MoE layer of the model the instance serves, from 0.
   */
  uint32_t layer;
  /*
   Number of GPUs; 0 where none are known.
   */
  uint32_t devices;
  /*
   Experts of each token's own choice that no price may take away, at most `top_k`.
   */
  uint32_t floor;
  /*
   `ISOTHERM_PENALISED` or 0.
   */
  uint32_t combine;
  /*
   Root seed of the run, for the router's own random streams.
   */
  uint64_t seed;
  /*
   `[experts]` energy of an assignment as the scenario declares it (J).
   */
  const double *declared_costs;
  /*
   `[experts x experts]` row i says how well each expert replaces i, from 0 to 1; null without similarity.
   */
  const double *similarity;
  /*
   What a replacement by a wholly different expert costs, in units of the scores.
   */
  double similarity_charge;
  /*
   `[experts + 1]` where each expert's copies begin in `copy_device`; null where the placement is not known.
   */
  const uint32_t *copy_first;
  /*
   `[copy_first[experts]]` the GPUs that hold copies, each expert's by rising number.
   */
  const uint32_t *copy_device;
  /*
   Kelvin above the surroundings per watt in the steady state (K/W).
   */
  double kelvin_per_watt;
  /*
   Time constant of the slowest part that matters (s).
   */
  double time_constant_s;
  /*
   Temperature of the surroundings (degC).
   */
  double ambient_degc;
  /*
   Power of a GPU that waits (W).
   */
  double idle_w;
} IsothermRouterContext;

/*
 One batch as a router sees it. Read-only.
 */
typedef struct IsothermBatch {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   `ISOTHERM_MASKED` or 0.
   */
  uint32_t flags;
  /*
   Tokens, possibly 0.
   */
  uint32_t tokens;
  /*
   Experts of the layer.
   */
  uint32_t experts;
  /*
   Experts each token is sent to.
   */
  uint32_t top_k;
  /*
   Number of the batch, from 0.
   */
  uint32_t batch;
  /*
   Layer whose gate it is, from 0.
   */
  uint32_t layer;
  /*
   GPUs: length of the three sample arrays.
   */
  uint32_t devices;
  /*
   The instant of the decision (ns of simulated time).
   */
  uint64_t now_ns;
  /*
   While this is the same number other than 0, samples, placement, sources and declared costs are what they were in the last call.
   */
  uint64_t revision;
  /*
   `[tokens x experts]` row after row, dense, finite, aligned to 64 bytes.
   */
  const float *logits;
  /*
   `[tokens x top_k]` the unpenalised top k of each token, by falling logit.
   */
  const uint32_t *reference_experts;
  /*
   `[tokens x top_k]` its combine weights.
   */
  const float *reference_weights;
  /*
   `[experts]` its assignments per expert.
   */
  const uint32_t *reference_counts;
  /*
   `[tokens]` largest logit.
   */
  const float *row_max;
  /*
   `[tokens]` sum of e^(logit - row_max) over the unpenalised top k.
   */
  const double *top_mass;
  /*
   `[tokens]` probability of the first expert of the unpenalised top k.
   */
  const float *top_probability;
  /*
   `[experts]` mean unpenalised probability.
   */
  const double *mean_probability;
  /*
   Mean entropy of the unpenalised gate (nats).
   */
  double entropy_nats;
  /*
   Mean log of the sum of exponentials of the logits.
   */
  double log_sum_exp;
  /*
   `[experts]` energy of an assignment as declared at the start (J); null where nothing is declared.
   */
  const double *declared_costs;
  /*
   `[experts]` energy that an assignment costs now (J); null for all but oracles.
   */
  const double *true_costs;
  /*
   `[devices]` when each GPU's last sample was true (ns): its age is `now_ns` less this.
   */
  const uint64_t *sample_taken_ns;
  /*
   `[devices]` temperature of the die as last sampled (degC); not a number where none has been read.
   */
  const double *sample_temperature_degc;
  /*
   `[devices]` power as last sampled (W); not a number where none has been read.
   */
  const double *sample_power_w;
  /*
   `[experts + 1]` where each expert's copies begin in `copy_device`; null where the placement is not known.
   */
  const uint32_t *copy_first;
  /*
   `[copy_first[experts]]` the GPUs that hold copies.
   */
  const uint32_t *copy_device;
  /*
   `[sources]` GPUs that hold the tokens in equal contiguous blocks; null where that is not known.
   */
  const uint32_t *source_devices;
  /*
   Number of `source_devices`.
   */
  uint32_t sources;
  /*
   GPUs of a node.
   */
  uint32_t devices_per_node;
} IsothermBatch;

/*
 Where a router writes what it has decided. Buffers belong to the host.
 */
typedef struct IsothermDecision {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   `ISOTHERM_ASSIGNMENT` (which the host presets), `ISOTHERM_SCORES` or `ISOTHERM_PRICES`.
   */
  uint32_t form;
  /*
   `ISOTHERM_COUNTED`, `ISOTHERM_DESCRIBED` and `ISOTHERM_DIVERGENCE`; the host presets 0.
   */
  uint32_t flags;
  /*
   `ISOTHERM_FEASIBLE`, `ISOTHERM_INFEASIBLE` or, as preset, 0: there is nothing to keep.
   */
  uint32_t feasibility;
  /*
   `[tokens x top_k]` chosen experts, each token's all different, by falling score; `ISOTHERM_DROPPED` where none. Not preset.
   */
  uint32_t *experts;
  /*
   `[tokens x top_k]` combine weights, finite, not negative, each token's summing to 1 over what is not dropped. Not preset.
   */
  float *weights;
  /*
   `[experts]` assignments per expert, preset to 0; with `ISOTHERM_COUNTED`.
   */
  uint32_t *counts;
  /*
   `[tokens x experts]` preset to the logits; null without `ISOTHERM_ADJUSTS_SCORES`.
   */
  float *scores;
  /*
   `[experts]` prices (nats), preset to 0.
   */
  float *prices;
  /*
   Mean entropy of the distribution the router selected from (nats); with `ISOTHERM_DESCRIBED`.
   */
  double entropy_nats;
  /*
   Its mean log of the sum of exponentials; with `ISOTHERM_DESCRIBED`.
   */
  double log_sum_exp;
  /*
   KL divergence from the unpenalised gate to it (nats); with `ISOTHERM_DIVERGENCE`.
   */
  double kl_nats;
  /*
   Floating-point operations a token beyond gate product and plain top k, which the run is charged for; preset to 0.
   */
  double operations_per_token;
} IsothermDecision;

/*
 What a finished batch has cost. Read-only.
 */
typedef struct IsothermFeedback {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Experts of the layer: length of the arrays.
   */
  uint32_t experts;
  /*
   The batch.
   */
  uint32_t batch;
  /*
   The layer it has passed.
   */
  uint32_t layer;
  /*
   When it finished (ns).
   */
  uint64_t now_ns;
  /*
   `[experts]` assignments served.
   */
  const uint32_t *assignments;
  /*
   `[experts]` energy spent on them (J).
   */
  const double *joules;
  /*
   `[experts]` time worked on them (s).
   */
  const double *seconds;
} IsothermFeedback;

/*
 What options make of a router.
 */
typedef struct IsothermRouterTraits {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   `ISOTHERM_USES_ORACLE` and `ISOTHERM_IS_REFERENCE`; the host presets 0.
   */
  uint32_t flags;
} IsothermRouterTraits;

/*
 The functions of a router. Those that may be null say so.
 */
typedef struct IsothermRouterV1 {
  /*
   Size of this struct as the plugin knows it.
   */
  uint32_t struct_size;
  /*
   `ISOTHERM_ADJUSTS_SCORES` or 0.
   */
  uint32_t flags;
  /*
   Checks options (a JSON object) by themselves and writes them back with all defaults filled in. Null: every object is accepted as it is.
   */
  IsothermStatus (*configure)(struct IsothermStr config,
                              const struct IsothermSink *resolved,
                              struct IsothermRouterTraits *traits,
                              const struct IsothermErrorSink *error);
  /*
   Makes an instance for one layer of one run. On any status but `ISOTHERM_OK` nothing has been made.
   */
  IsothermStatus (*create)(const struct IsothermHost *host,
                           struct IsothermStr config,
                           const struct IsothermRouterContext *context,
                           void **instance,
                           const struct IsothermErrorSink *error);
  /*
   Frees an instance.
   */
  void (*destroy)(void *instance);
  /*
   Routes one batch.
   */
  IsothermStatus (*route)(void *instance,
                          const struct IsothermBatch *batch,
                          struct IsothermDecision *decision,
                          const struct IsothermErrorSink *error);
  /*
   Told when a batch has finished, once a batch, in order. Null: the router does not learn.
   */
  IsothermStatus (*feedback)(void *instance,
                             const struct IsothermFeedback *feedback,
                             const struct IsothermErrorSink *error);
  /*
   Writes everything that changed since `create`. Null: nothing does.
   */
  IsothermStatus (*save)(void *instance, const struct IsothermSink *state, const struct IsothermErrorSink *error);
  /*
   Continues from saved bytes of an instance with the same options and context. Null where `save` is.
   */
  IsothermStatus (*restore)(void *instance, const uint8_t *state, size_t len, const struct IsothermErrorSink *error);
  /*
   Answers with an extension's table of functions or null. May be null itself.
   */
  const void *(*get_extension)(struct IsothermStr id);
} IsothermRouterV1;

/*
 What options make of a source.
 */
typedef struct IsothermTelemetryTraits {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Not 0 where the source tells what it was given instead of what the model computes: GPUs then take its temperatures as their own, and the
   run is marked. Preset to 0.
   */
  uint32_t prescribes_temperature;
  /*
   Time between two polls (ns), at least 1.
   */
  uint64_t period_ns;
} IsothermTelemetryTraits;

/*
 What a source may depend on when it is made.
 */
typedef struct IsothermTelemetryContext {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Number of GPUs.
   */
  uint32_t devices;
  /*
   Root seed of the run.
   */
  uint64_t seed;
} IsothermTelemetryContext;

/*
 One poll. Read-only; times never go back.
 */
typedef struct IsothermPoll {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Number of GPUs: length of all arrays.
   */
  uint32_t devices;
  /*
   The instant of the poll (ns).
   */
  uint64_t now_ns;
  /*
   `[devices]` true temperature of the die (degC).
   */
  const double *true_temperature_degc;
  /*
   `[devices]` true power (W).
   */
  const double *true_power_w;
} IsothermPoll;

/*
 Where a source writes what it has read. Buffers belong to the host; preset to the samples of the last poll.
 */
typedef struct IsothermSamples {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Number of GPUs.
   */
  uint32_t devices;
  /*
   `[devices]` when the values were true (ns), at most the instant of the poll.
   */
  uint64_t *taken_ns;
  /*
   `[devices]` temperature of the die (degC); not a number where none has been read.
   */
  double *temperature_degc;
  /*
   `[devices]` power (W); not a number where none has been read.
   */
  double *power_w;
} IsothermSamples;

/*
 The functions of a telemetry source. Those that may be null say so.
 */
typedef struct IsothermTelemetryV1 {
  /*
   Size of this struct as the plugin knows it.
   */
  uint32_t struct_size;
  /*
   0.
   */
  uint32_t flags;
  /*
   Checks options, writes them back with all defaults filled in, says how often the source is polled, and writes into `warning` what a table
   that used the source has to say about it.
   */
  IsothermStatus (*configure)(struct IsothermStr config,
                              const struct IsothermSink *resolved,
                              struct IsothermTelemetryTraits *traits,
                              const struct IsothermSink *warning,
                              const struct IsothermErrorSink *error);
  /*
   Makes an instance for one run.
   */
  IsothermStatus (*create)(const struct IsothermHost *host,
                           struct IsothermStr config,
                           const struct IsothermTelemetryContext *context,
                           void **instance,
                           const struct IsothermErrorSink *error);
  /*
   Frees an instance.
   */
  void (*destroy)(void *instance);
  /*
   Reads all GPUs.
   */
  IsothermStatus (*sample)(void *instance,
                           const struct IsothermPoll *poll,
                           struct IsothermSamples *samples,
                           const struct IsothermErrorSink *error);
  /*
   Writes everything that changed since `create`. Null: nothing does.
   */
  IsothermStatus (*save)(void *instance, const struct IsothermSink *state, const struct IsothermErrorSink *error);
  /*
   Continues from saved bytes. Null where `save` is.
   */
  IsothermStatus (*restore)(void *instance, const uint8_t *state, size_t len, const struct IsothermErrorSink *error);
  /*
   Answers with an extension's table of functions or null. May be null itself.
   */
  const void *(*get_extension)(struct IsothermStr id);
} IsothermTelemetryV1;

/*
 What options make of a policy.
 */
typedef struct IsothermPlacementTraits {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Batches between two placements during a run; 0, as preset, for a placement that stays.
   */
  uint32_t rebalance_every_batches;
} IsothermPlacementTraits;

/*
 What a placement may depend on: what a real controller would have measured. Read-only.
 */
typedef struct IsothermPlacementContext {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Number of experts of the layer.
   */
  uint32_t experts;
  /*
   Number of GPUs.
   */
  uint32_t devices;
  /*
   GPUs of one node.
   */
  uint32_t devices_per_node;
  /*
   `[experts]` assignments since the last placement; null at the start, when nothing has been measured.
   */
  const double *loads;
  /*
   `[devices]` work per second shown since the last placement, relative to the mean; null at the start.
   */
  const double *speeds;
  /*
   `[devices]` energy taken per work since the last placement, relative to the mean; null at the start.
   */
  const double *joules;
  /*
   `[devices]` when each GPU's last sample was true (ns); null at the start.
   */
  const uint64_t *sample_taken_ns;
  /*
   `[devices]` temperature as last sampled (degC), not a number where none; null at the start.
   */
  const double *sample_temperature_degc;
  /*
   `[devices]` power as last sampled (W), not a number where none; null at the start.
   */
  const double *sample_power_w;
  /*
   `[experts + 1]` where each expert's copies begin in `copy_device`: the placement in force; null at the start.
   */
  const uint32_t *copy_first;
  /*
   `[copy_first[experts]]` the GPUs that hold copies.
   */
  const uint32_t *copy_device;
  /*
   `[lost_count]` GPUs that have switched themselves off and can hold nothing.
   */
  const uint32_t *lost;
  /*
   Number of `lost`.
   */
  uint32_t lost_count;
} IsothermPlacementContext;

/*
 Takes the copies of a placement, in any order: every expert at least once, never twice on one GPU.
 */
typedef struct IsothermCopySink {
  /*
   Handed back to `copy`.
   */
  void *ctx;
  /*
   `device` holds a copy of `expert`.
   */
  void (*copy)(void *ctx, uint32_t expert, uint32_t device);
} IsothermCopySink;

/*
 The functions of a placement policy. Those that may be null say so. An instance places once: `create`, `place`, `destroy`.
 */
typedef struct IsothermPlacementV1 {
  /*
   Size of this struct as the plugin knows it.
   */
  uint32_t struct_size;
  /*
   0.
   */
  uint32_t flags;
  /*
   Checks options and writes them back with all defaults filled in. Null: every object is accepted as it is.
   */
  IsothermStatus (*configure)(struct IsothermStr config,
                              const struct IsothermSink *resolved,
                              struct IsothermPlacementTraits *traits,
                              const struct IsothermErrorSink *error);
  /*
   Makes an instance.
   */
  IsothermStatus (*create)(const struct IsothermHost *host,
                           struct IsothermStr config,
                           void **instance,
                           const struct IsothermErrorSink *error);
  /*
   Frees an instance.
   */
  void (*destroy)(void *instance);
  /*
   Places every expert.
   */
  IsothermStatus (*place)(void *instance,
                          const struct IsothermPlacementContext *context,
                          const struct IsothermCopySink *copies,
                          const struct IsothermErrorSink *error);
  /*
   Answers with an extension's table of functions or null. May be null itself.
   */
  const void *(*get_extension)(struct IsothermStr id);
} IsothermPlacementV1;

/*
 The layer whose work is executed, and the devices that execute it. Read-only.
 */
typedef struct IsothermLoadContext {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Number of GPUs, at least 1.
   */
  uint32_t devices;
  /*
   `[devices]` which device each GPU works on, as the library counts devices. A device may stand there more than once.
   */
  const uint32_t *device;
  /*
   Experts of the layer, at least 1. Every GPU may be asked for every one of them.
   */
  uint32_t experts;
  /*
   Experts each token is sent to, from 1 to `experts`.
   */
  uint32_t top_k;
  /*
   Width of a hidden state, at least 1.
   */
  uint32_t d_model;
  /*
   Width of an expert, at least 1.
   */
  uint32_t d_ff;
  /*
   Matrices of an expert: 3 with a gate, else 2.
   */
  uint32_t matrices;
} IsothermLoadContext;

/*
 What each GPU has to do in one layer. Read-only.
 */
typedef struct IsothermShares {
  /*
   Size of this struct as the host knows it.
   */
  uint32_t struct_size;
  /*
   Number of GPUs: as many as the context had.
   */
  uint32_t devices;
  /*
   `[devices + 1]` where each GPU's share begins in the other two arrays; the first is 0, and a share may be empty.
   */
  const uint32_t *first;
  /*
   `[first[devices]]` experts, by ascending number within a share.
   */
  const uint32_t *expert;
  /*
   `[first[devices]]` how many assignments (a token at an expert) the GPU computes of that expert, at least 1.
   */
  const uint32_t *assignments;
} IsothermShares;

/*
 The functions of a load. Those that may be null say so. What a load answers was measured: it is the one kind that looks at a clock, and it has no
 state to save.
 */
typedef struct IsothermLoadV1 {
  /*
   Size of this struct as the plugin knows it.
   */
  uint32_t struct_size;
  /*
   0.
   */
  uint32_t flags;
  /*
   Checks options and writes them back with all defaults filled in. Null: every object is accepted as it is.
   */
  IsothermStatus (*configure)(struct IsothermStr config,
                              const struct IsothermSink *resolved,
                              const struct IsothermErrorSink *error);
  /*
   Makes an instance: opens the devices and puts the weights of all experts on each. `CONFIG` where that cannot be.
   */
  IsothermStatus (*create)(const struct IsothermHost *host,
                           struct IsothermStr config,
                           const struct IsothermLoadContext *context,
                           void **instance,
                           const struct IsothermErrorSink *error);
  /*
   Frees an instance.
   */
  void (*destroy)(void *instance);
  /*
   Writes what a GPU's work runs on, such as `NVIDIA H200`.
   */
  IsothermStatus (*device_name)(void *instance,
                                uint32_t gpu,
                                const struct IsothermSink *name,
                                const struct IsothermErrorSink *error);
  /*
   Executes one layer, all GPUs at the same time, and returns when the slowest is done. `seconds`, `[devices]`, preset to 0, takes the time (s) from the
   start of the layer until each GPU was done; it stays 0 where there was nothing to do.
   */
  IsothermStatus (*execute)(void *instance,
                            const struct IsothermShares *shares,
                            double *seconds,
                            const struct IsothermErrorSink *error);
  /*
   Answers with an extension's table of functions or null. May be null itself.
   */
  const void *(*get_extension)(struct IsothermStr id);
} IsothermLoadV1;

/*
 Done.
 */
#define ISOTHERM_OK 0

/*
 The call failed; the error sink has been told why.
 */
#define ISOTHERM_FAILED 1

/*
 The plugin's code panicked; the error sink has been told where. The instance is of no more use.
 */
#define ISOTHERM_PANIC 2

/*
 The caller's structs are smaller than the callee needs.
 */
#define ISOTHERM_ABI 3

/*
 An option is wrong; the error sink has been told which, as a JSON pointer.
 */
#define ISOTHERM_CONFIG 4

/*
 Bytes are no saved state, or the instance has panicked before.
 */
#define ISOTHERM_STATE 5

/*
 The plugin does not do this.
 */
#define ISOTHERM_UNSUPPORTED 6

#endif  /* ISOTHERM_PLUGIN_H */
