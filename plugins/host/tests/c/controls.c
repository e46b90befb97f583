/* A router, a telemetry source and a placement that do what their options say, also what they must not do. */
#include "isotherm_plugin.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ISOTHERM_LABEL("acme-controls", "0.3.1",
    ISOTHERM_LABEL_ROUTER("acme/controls") ISOTHERM_LABEL_ROUTER("acme/prices") ISOTHERM_LABEL_ROUTER("acme/idle")
    ISOTHERM_LABEL_TELEMETRY("acme/echo") ISOTHERM_LABEL_PLACEMENT("acme/reverse"));

/* Options as the host writes them: `"key":value` without blanks. */
static const char *value_of(IsothermStr config, const char *key) {
    static _Thread_local char text[512];
    char quoted[64];
    size_t len = config.len < sizeof text - 1 ? config.len : sizeof text - 1;
    memcpy(text, config.ptr, len);
    text[len] = 0;
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(text, quoted);
    return at ? at + strlen(quoted) : NULL;
}
static double number(IsothermStr config, const char *key, double otherwise) {
    const char *at = value_of(config, key);
    return at ? strtod(at, NULL) : otherwise;
}
static void word(IsothermStr config, const char *key, const char *otherwise, char out[32]) {
    const char *at = value_of(config, key);
    if (!at || *at != '"') { strcpy(out, otherwise); return; }
    size_t n = strcspn(at + 1, "\"");
    memcpy(out, at + 1, n);
    out[n] = 0;
}
static IsothermStr str(const char *text) {
    IsothermStr str = { text, strlen(text) };
    return str;
}
static IsothermStatus say(const IsothermErrorSink *error, IsothermStatus status, const char *pointer, const char *text) {
    error->report(error->ctx, str(pointer), str(text));
    return status;
}
static void flush_subnormals(void) {
#if defined(__x86_64__)
    unsigned control;
    __asm__ volatile("stmxcsr %0" : "=m"(control));
    control |= 0x8040;
    __asm__ volatile("ldmxcsr %0" : : "m"(control));
#endif
}

/* ---- router ---- */

typedef struct Router { char form[32]; double lambda; uint32_t calls, experts, layer; double learnt; } Router;

static IsothermStatus configure(IsothermStr config, const IsothermSink *resolved, IsothermRouterTraits *traits,
                                const IsothermErrorSink *error) {
    char form[32], text[256];
    double lambda = number(config, "lambda", 0.5);
    word(config, "form", "prices", form);
    if (lambda == 13.0) return say(error, ISOTHERM_CONFIG, "/lambda", "13 brings bad luck; expected any other number, for example 0.1");
    if (!strcmp(form, "no-object")) { resolved->write(resolved->ctx, (const uint8_t *)"[1]", 3); return ISOTHERM_OK; }
    if (!strcmp(form, "no-configure")) return say(error, ISOTHERM_FAILED, "", "out of order");
    traits->flags = !strcmp(form, "oracle") ? ISOTHERM_USES_ORACLE : !strcmp(form, "reference") ? ISOTHERM_IS_REFERENCE : 0;
    /* In pieces, and with a default that scenarios have no word for. */
    snprintf(text, sizeof text, "{\"form\":\"%s\",\"lambda\":%g,", form, lambda);
    resolved->write(resolved->ctx, (const uint8_t *)text, strlen(text));
    resolved->write(resolved->ctx, (const uint8_t *)"\"cap\":null}", 11);
    return ISOTHERM_OK;
}
static IsothermStatus create(const IsothermHost *host, IsothermStr config, const IsothermRouterContext *context,
                             void **instance, const IsothermErrorSink *error) {
    (void)host;
    Router *router = calloc(1, sizeof *router);
    word(config, "form", "prices", router->form);
    router->lambda = number(config, "lambda", 0.5);
    router->experts = context->experts;
    router->layer = context->layer;
    if (router->lambda > context->experts) {
        free(router);
        return say(error, ISOTHERM_CONFIG, "/lambda", "more than there are experts");
    }
    if (!strcmp(router->form, "no-create")) {
        free(router);
        return say(error, ISOTHERM_PANIC, "", "panicked at src/new.rs:3:1: no");
    }
    if (!strcmp(router->form, "float")) flush_subnormals();
    if (!strcmp(router->form, "context")) {
        char text[256];
        snprintf(text, sizeof text, "%u/%u layer %u devices %u floor %u combine %u seed %llu cost %g charge %g similar %g copy %u thermal %u %g %g",
                 context->experts, context->top_k, context->layer, context->devices, context->floor, context->combine,
                 (unsigned long long)context->seed, context->declared_costs[1], context->similarity_charge,
                 context->similarity ? context->similarity[1] : -1.0, context->copy_device[context->copy_first[1]],
                 context->flags, context->kelvin_per_watt, context->idle_w);
        free(router);
        return say(error, ISOTHERM_FAILED, "", text);
    }
    *instance = router;
    return ISOTHERM_OK;
}
static void destroy(void *instance) { free(instance); }

static IsothermStatus observe(const IsothermBatch *b, const IsothermErrorSink *error) {
    char text[512];
    snprintf(text, sizeof text,
             "aligned %d size %u tokens %u batch %u layer %u now %llu revision %llu devices %u taken %llu degc %g watts %g masked %u "
             "copy %d source %d of %u node %u cost %g true %g reference %u",
             (uintptr_t)b->logits % 64 == 0, b->struct_size, b->tokens, b->batch, b->layer, (unsigned long long)b->now_ns,
             (unsigned long long)b->revision, b->devices, (unsigned long long)(b->devices ? b->sample_taken_ns[0] : 0),
             b->devices ? b->sample_temperature_degc[0] : -1.0, b->devices ? b->sample_power_w[0] : -1.0, b->flags,
             b->copy_first ? (int)b->copy_device[b->copy_first[1]] : -1, b->source_devices ? (int)b->source_devices[0] : -1,
             b->sources, b->devices_per_node, b->declared_costs ? b->declared_costs[1] : -1.0,
             b->true_costs ? b->true_costs[1] : -1.0, b->reference_experts[0]);
    return say(error, ISOTHERM_FAILED, "", text);
}
static void as_reference(const IsothermBatch *b, IsothermDecision *d) {
    memcpy(d->experts, b->reference_experts, sizeof(uint32_t) * b->tokens * b->top_k);
    memcpy(d->weights, b->reference_weights, sizeof(float) * b->tokens * b->top_k);
}
static IsothermStatus route(void *instance, const IsothermBatch *b, IsothermDecision *d, const IsothermErrorSink *error) {
    Router *router = instance;
    const char *form = router->form;
    router->calls++;
    if (!strcmp(form, "prices")) {
        d->form = ISOTHERM_PRICES;
        for (uint32_t e = 0; e < b->experts; e++) d->prices[e] += (float)(router->lambda * b->declared_costs[e]);
        return ISOTHERM_OK;
    }
    if (!strcmp(form, "scores")) {
        d->form = ISOTHERM_SCORES;
        for (uint32_t t = 0; t < b->tokens; t++)
            for (uint32_t e = 0; e < b->experts; e++)
                d->scores[t * b->experts + e] -= (float)(router->lambda * b->declared_costs[e]);
        return ISOTHERM_OK;
    }
    if (!strcmp(form, "observe")) return observe(b, error);
    if (!strcmp(form, "fail")) return say(error, ISOTHERM_FAILED, "", "the pump has stopped");
    if (!strcmp(form, "panic")) return say(error, ISOTHERM_PANIC, "", "panicked at src/lib.rs:10:5: boom");
    if (!strcmp(form, "silent")) return 42;
    as_reference(b, d);
    if (!strcmp(form, "counted")) {
        memcpy(d->counts, b->reference_counts, sizeof(uint32_t) * b->experts);
        d->flags = ISOTHERM_COUNTED | ISOTHERM_DESCRIBED | ISOTHERM_DIVERGENCE;
        d->entropy_nats = 1.5, d->log_sum_exp = 2.5, d->kl_nats = 0.25, d->operations_per_token = 7.0;
        d->feasibility = ISOTHERM_INFEASIBLE;
    }
    if (!strcmp(form, "miscounted")) d->flags = ISOTHERM_COUNTED;
    if (!strcmp(form, "twice")) d->experts[1] = d->experts[0];
    if (!strcmp(form, "form-1")) d->form = ISOTHERM_SCORES;
    if (!strcmp(form, "form-9")) d->form = 9;
    if (!strcmp(form, "feasibility-9")) d->feasibility = 9;
    if (!strcmp(form, "operations")) d->operations_per_token = NAN;
    return ISOTHERM_OK;
}
static IsothermStatus feedback(void *instance, const IsothermFeedback *f, const IsothermErrorSink *error) {
    Router *router = instance;
    if (f->joules[0] < 0.0) return say(error, ISOTHERM_FAILED, "", "negative energy");
    for (uint32_t e = 0; e < f->experts; e++) router->learnt += f->joules[e] * f->assignments[e];
    return ISOTHERM_OK;
}
static IsothermStatus save(void *instance, const IsothermSink *state, const IsothermErrorSink *error) {
    Router *router = instance;
    if (!strcmp(router->form, "no-save")) return say(error, ISOTHERM_FAILED, "", "the disk is full");
    state->write(state->ctx, (const uint8_t *)&router->calls, sizeof router->calls);
    state->write(state->ctx, (const uint8_t *)&router->learnt, sizeof router->learnt);
    return ISOTHERM_OK;
}
static IsothermStatus restore(void *instance, const uint8_t *state, size_t len, const IsothermErrorSink *error) {
    Router *router = instance;
    if (len != sizeof router->calls + sizeof router->learnt) return say(error, ISOTHERM_STATE, "", "these are no 12 bytes");
    memcpy(&router->calls, state, sizeof router->calls);
    memcpy(&router->learnt, state + sizeof router->calls, sizeof router->learnt);
    return ISOTHERM_OK;
}
static const IsothermRouterV1 router = {
    .struct_size = sizeof(IsothermRouterV1), .flags = ISOTHERM_ADJUSTS_SCORES, .configure = configure, .create = create,
    .destroy = destroy, .route = route, .feedback = feedback, .save = save, .restore = restore,
};

/* The same without scores, which cost the host a copy of the logits. */
static const IsothermRouterV1 prices = {
    .struct_size = sizeof(IsothermRouterV1), .configure = configure, .create = create, .destroy = destroy, .route = route,
};

/* A router without options, memory and work: what the border itself costs. */
static IsothermStatus idle_create(const IsothermHost *host, IsothermStr config, const IsothermRouterContext *context,
                                  void **instance, const IsothermErrorSink *error) {
    (void)host, (void)config, (void)context, (void)error;
    *instance = NULL;
    return ISOTHERM_OK;
}
static void idle_destroy(void *instance) { (void)instance; }
static IsothermStatus idle_route(void *instance, const IsothermBatch *b, IsothermDecision *d, const IsothermErrorSink *error) {
    (void)instance, (void)b, (void)error;
    d->flags = ISOTHERM_COUNTED;
    return ISOTHERM_OK;
}
static const IsothermRouterV1 idle = {
    .struct_size = sizeof(IsothermRouterV1), .create = idle_create, .destroy = idle_destroy, .route = idle_route,
};

/* ---- telemetry: what is true, so many polls late; 0 is at once ---- */

typedef struct Echo { char fault[32]; uint32_t polls; } Echo;

static IsothermStatus echo_configure(IsothermStr config, const IsothermSink *resolved, IsothermTelemetryTraits *traits,
                                     const IsothermSink *warning, const IsothermErrorSink *error) {
    (void)error;
    char text[128], fault[32];
    double ms = number(config, "period_ms", 100.0);
    word(config, "fault", "", fault);
    traits->period_ns = (uint64_t)(ms * 1e6);
    traits->prescribes_temperature = !strcmp(fault, "prescribes");
    if (traits->prescribes_temperature) warning->write(warning->ctx, (const uint8_t *)"temperatures are told", 21);
    snprintf(text, sizeof text, "{\"period_ms\":%g,\"fault\":\"%s\"}", ms, fault);
    resolved->write(resolved->ctx, (const uint8_t *)text, strlen(text));
    return ISOTHERM_OK;
}
static IsothermStatus echo_create(const IsothermHost *host, IsothermStr config, const IsothermTelemetryContext *context,
                                  void **instance, const IsothermErrorSink *error) {
    (void)host;
    if (context->devices > 8) return say(error, ISOTHERM_CONFIG, "/period_ms", "too many GPUs for it");
    Echo *echo = calloc(1, sizeof *echo);
    word(config, "fault", "", echo->fault);
    *instance = echo;
    return ISOTHERM_OK;
}
static IsothermStatus echo_sample(void *instance, const IsothermPoll *poll, IsothermSamples *samples, const IsothermErrorSink *error) {
    Echo *echo = instance;
    echo->polls++;
    if (!strcmp(echo->fault, "fail")) return say(error, ISOTHERM_FAILED, "", "the pipe is closed");
    if (!strcmp(echo->fault, "keeps")) return ISOTHERM_OK;
    for (uint32_t g = 0; g < poll->devices; g++) {
        samples->taken_ns[g] = poll->now_ns + (!strcmp(echo->fault, "future") ? 5 : 0);
        samples->temperature_degc[g] = poll->true_temperature_degc[g] + echo->polls;
        samples->power_w[g] = g == 1 ? NAN : !strcmp(echo->fault, "infinite") ? INFINITY : poll->true_power_w[g];
    }
    return ISOTHERM_OK;
}
static IsothermStatus echo_save(void *instance, const IsothermSink *state, const IsothermErrorSink *error) {
    (void)error;
    state->write(state->ctx, (const uint8_t *)&((Echo *)instance)->polls, 4);
    return ISOTHERM_OK;
}
static IsothermStatus echo_restore(void *instance, const uint8_t *state, size_t len, const IsothermErrorSink *error) {
    if (len != 4) return say(error, ISOTHERM_STATE, "", "these are no 4 bytes");
    memcpy(&((Echo *)instance)->polls, state, 4);
    return ISOTHERM_OK;
}
static const IsothermTelemetryV1 echo = {
    .struct_size = sizeof(IsothermTelemetryV1), .configure = echo_configure, .create = echo_create, .destroy = destroy,
    .sample = echo_sample, .save = echo_save, .restore = echo_restore,
};

/* ---- placement: experts from the last GPU on ---- */

static IsothermStatus reverse_configure(IsothermStr config, const IsothermSink *resolved, IsothermPlacementTraits *traits,
                                        const IsothermErrorSink *error) {
    (void)error, (void)resolved;
    traits->rebalance_every_batches = (uint32_t)number(config, "every_batches", 0.0);
    return ISOTHERM_OK;
}
static IsothermStatus reverse_create(const IsothermHost *host, IsothermStr config, void **instance, const IsothermErrorSink *error) {
    (void)host, (void)error;
    char *fault = calloc(1, 32);
    word(config, "fault", "", fault);
    *instance = fault;
    return ISOTHERM_OK;
}
static IsothermStatus reverse_place(void *instance, const IsothermPlacementContext *c, const IsothermCopySink *copies,
                                    const IsothermErrorSink *error) {
    const char *fault = instance;
    if (!strcmp(fault, "fail")) return say(error, ISOTHERM_FAILED, "", "no room");
    if (!strcmp(fault, "stray")) copies->copy(copies->ctx, c->experts, 0);
    for (uint32_t e = 0; e < c->experts; e++) {
        if (!strcmp(fault, "homeless") && e == 1) continue;
        /* Away from GPUs that are lost; with measured loads, a second copy of the busiest expert. */
        uint32_t device = c->devices - 1 - e % c->devices;
        for (uint32_t l = 0; l < c->lost_count; l++) if (c->lost[l] == device) device = (device + 1) % c->devices;
        copies->copy(copies->ctx, e, device);
        if (c->loads && c->loads[e] > 10.0) copies->copy(copies->ctx, e, (device + 1) % c->devices);
    }
    return ISOTHERM_OK;
}
static const IsothermPlacementV1 reverse = {
    .struct_size = sizeof(IsothermPlacementV1), .configure = reverse_configure, .create = reverse_create,
    .destroy = destroy, .place = reverse_place,
};

static const IsothermFactory factories[] = {
    { sizeof(IsothermFactory), ISOTHERM_ROUTER, ISOTHERM_STR("acme/controls"), &router },
    { sizeof(IsothermFactory), ISOTHERM_ROUTER, ISOTHERM_STR("acme/idle"), &idle },
    { sizeof(IsothermFactory), ISOTHERM_ROUTER, ISOTHERM_STR("acme/prices"), &prices },
    { sizeof(IsothermFactory), ISOTHERM_TELEMETRY, ISOTHERM_STR("acme/echo"), &echo },
    { sizeof(IsothermFactory), ISOTHERM_PLACEMENT, ISOTHERM_STR("acme/reverse"), &reverse },
};
static const IsothermFactory *const list[] = { &factories[0], &factories[1], &factories[2], &factories[3], &factories[4] };
static const IsothermPlugin plugin = {
    .struct_size = sizeof(IsothermPlugin),
    .abi_major = ISOTHERM_ABI_MAJOR,
    .abi_minor = ISOTHERM_ABI_MINOR,
    .manifest = ISOTHERM_STR("{\"version\": \"0.3.1\", \"items\": [{\"kind\": \"router\", \"name\": \"acme/controls\","
        "\"options\": {\"type\": \"object\", \"required\": [\"lambda\"], \"properties\": {"
        "\"lambda\": {\"type\": \"number\", \"minimum\": 0}, \"form\": {\"type\": \"string\"}}},"
        "\"example\": {\"lambda\": 0.1}}]}"),
    .factory_count = 5,
    .factories = list,
};

ISOTHERM_EXPORT const IsothermPlugin *isotherm_plugin_v1(const IsothermHost *host) {
    return host->abi_major == ISOTHERM_ABI_MAJOR ? &plugin : NULL;
}
