/*
 * The router: each token goes to the cheapest of the experts that are nearly as good as its own choice.
 *
 * Candidates of a token are the experts whose logit is at most `margin` below that of its k-th best. The k cheapest of them serve it, by
 * the energy that the scenario declares; the larger logit decides between equals. Weights are the gate's over the experts chosen.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "greedy.h"

struct router {
    struct options options;
    uint32_t experts;
    uint32_t top_k;
    double *cost; /* [experts] energy of an assignment (J) */
    char *taken;  /* [experts] whether the token in hand has the expert already */
};

static IsothermStatus configure(IsothermStr config, const IsothermSink *resolved, IsothermRouterTraits *traits,
                                const IsothermErrorSink *error)
{
    struct options options;
    IsothermStatus status = read_options(config, &options, error);
    (void)traits;
    if (status == ISOTHERM_OK)
        write_options(&options, resolved);
    return status;
}

static void destroy(void *instance)
{
    struct router *router = instance;
    if (router != NULL) {
        free(router->cost);
        free(router->taken);
        free(router);
    }
}

static IsothermStatus create(const IsothermHost *host, IsothermStr config, const IsothermRouterContext *context,
                             void **instance, const IsothermErrorSink *error)
{
    struct options options;
    struct router *router;
    IsothermStatus status = read_options(config, &options, error);
    (void)host;
    if (status != ISOTHERM_OK)
        return status;
    router = calloc(1, sizeof *router);
    if (router != NULL) {
        router->cost = malloc(context->experts * sizeof *router->cost);
        router->taken = malloc(context->experts);
    }
    if (router == NULL || router->cost == NULL || router->taken == NULL) {
        destroy(router);
        return report(error, ISOTHERM_FAILED, "", "out of memory");
    }
    router->options = options;
    router->experts = context->experts;
    router->top_k = context->top_k;
    /* The context is there during this call only. */
    memcpy(router->cost, context->declared_costs, context->experts * sizeof *router->cost);
    *instance = router;
    return ISOTHERM_OK;
}

/* Whether `a` is to be preferred to `b` among candidates. */
static int cheaper(const struct router *router, const float *logits, uint32_t a, uint32_t b)
{
    return router->cost[a] < router->cost[b] || (router->cost[a] == router->cost[b] && logits[a] > logits[b]);
}

static void choose(struct router *router, const float *logits, double least, uint32_t *experts)
{
    uint32_t slot, e;
    memset(router->taken, 0, router->experts);
    for (slot = 0; slot < router->top_k; slot++) {
        uint32_t best = ISOTHERM_DROPPED, place = slot;
        for (e = 0; e < router->experts; e++)
            if (!router->taken[e] && logits[e] >= least
                && (best == ISOTHERM_DROPPED || cheaper(router, logits, e, best)))
                best = e;
        router->taken[best] = 1;
        /* Rows are ordered by falling logit. */
        for (; place > 0 && logits[experts[place - 1]] < logits[best]; place--)
            experts[place] = experts[place - 1];
        experts[place] = best;
    }
}

static void weigh(const float *logits, const uint32_t *experts, uint32_t top_k, float *weights)
{
    double sum = 0;
    uint32_t slot;
    for (slot = 0; slot < top_k; slot++)
        sum += exp((double)logits[experts[slot]] - logits[experts[0]]);
    for (slot = 0; slot < top_k; slot++)
        weights[slot] = (float)(exp((double)logits[experts[slot]] - logits[experts[0]]) / sum);
}

static IsothermStatus route(void *instance, const IsothermBatch *batch, IsothermDecision *decision,
                            const IsothermErrorSink *error)
{
    struct router *router = instance;
    uint32_t token, slot;
    (void)error;
    for (token = 0; token < batch->tokens; token++) {
        const float *logits = batch->logits + (size_t)token * router->experts;
        const uint32_t *reference = batch->reference_experts + (size_t)token * router->top_k;
        uint32_t *experts = decision->experts + (size_t)token * router->top_k;
        choose(router, logits, (double)logits[reference[router->top_k - 1]] - router->options.margin, experts);
        weigh(logits, experts, router->top_k, decision->weights + (size_t)token * router->top_k);
        for (slot = 0; slot < router->top_k; slot++)
            decision->counts[experts[slot]]++;
    }
    decision->flags = ISOTHERM_COUNTED;
    /* One comparison for each expert and slot. */
    decision->operations_per_token = (double)router->experts * router->top_k;
    return ISOTHERM_OK;
}

/* It remembers nothing: no feedback, no state. */
const IsothermRouterV1 greedy = {
    .struct_size = sizeof(IsothermRouterV1),
    .configure = configure,
    .create = create,
    .destroy = destroy,
    .route = route,
};
