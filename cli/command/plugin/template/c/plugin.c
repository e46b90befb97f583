/* `{{name}}`: a routing strategy for isotherm. */
#include <isotherm_plugin.h>
#include <stdlib.h>
#include <string.h>

/* What the library offers, readable before any of it runs. */
ISOTHERM_LABEL("{{crate}}", "0.1.0", ISOTHERM_LABEL_ROUTER("{{name}}"));

typedef struct {
    uint32_t experts;
} Router;

static IsothermStr text(const char *literal) {
    IsothermStr str = {literal, strlen(literal)};
    return str;
}

static int32_t create(const IsothermHost *host, IsothermStr config, const IsothermRouterContext *context, void **instance,
                      const IsothermErrorSink *error) {
    (void)host;
    (void)config;
    Router *router = malloc(sizeof *router);
    if (router == NULL) {
        error->report(error->ctx, text(""), text("no memory for the router"));
        return ISOTHERM_FAILED;
    }
    router->experts = context->experts;
    *instance = router;
    return ISOTHERM_OK;
}

static void destroy(void *instance) {
    free(instance);
}

/* A price on every expert: what an assignment there is declared to cost. isotherm takes the top k. */
static int32_t route(void *instance, const IsothermBatch *batch, IsothermDecision *decision, const IsothermErrorSink *error) {
    const Router *router = instance;
    (void)error;
    decision->form = ISOTHERM_PRICES;
    for (uint32_t expert = 0; batch->declared_costs != NULL && expert < router->experts; ++expert) {
        decision->prices[expert] = 0.1f * (float)batch->declared_costs[expert];
    }
    return ISOTHERM_OK;
}

/* The options: there are none. */
static int32_t configure(IsothermStr config, const IsothermSink *resolved, IsothermRouterTraits *traits,
                         const IsothermErrorSink *error) {
    (void)traits;
    /* The only object without keys: one pair of braces, and blanks. */
    int braces = 0, wrong = 0;
    for (size_t at = 0; at < config.len; ++at) {
        const char c = config.ptr[at];
        if (c == "{}"[braces < 2 ? braces : 2]) {
            ++braces;
        } else if (strchr(" \n\r\t", c) == NULL || c == '\0') {
            wrong = 1;
        }
    }
    if (wrong || braces != 2) {
        error->report(error->ctx, text(""), text("this router has no options; leave all but `kind` out"));
        return ISOTHERM_CONFIG;
    }
    resolved->write(resolved->ctx, (const uint8_t *)"{}", 2);
    return ISOTHERM_OK;
}

static const IsothermRouterV1 functions = {
    .struct_size = sizeof(IsothermRouterV1),
    .configure = configure,
    .create = create,
    .destroy = destroy,
    .route = route,
};

static const IsothermFactory factory = {
    .struct_size = sizeof(IsothermFactory),
    .kind = ISOTHERM_ROUTER,
    .name = {"{{name}}", sizeof "{{name}}" - 1},
    .vtable = &functions,
};
static const IsothermFactory *const factories[] = {&factory};

static const char manifest[] =
    "{\"version\": \"0.1.0\", \"items\": [{\"kind\": \"router\", \"name\": \"{{name}}\","
    " \"summary\": \"a price on declared costs\","
    " \"options\": {\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}, \"example\": {}}]}";

static const IsothermPlugin plugin = {
    .struct_size = sizeof(IsothermPlugin),
    .abi_major = ISOTHERM_ABI_MAJOR,
    .abi_minor = ISOTHERM_ABI_MINOR,
    .manifest = {manifest, sizeof manifest - 1},
    .factory_count = 1,
    .factories = factories,
};

ISOTHERM_EXPORT const IsothermPlugin *isotherm_plugin_v1(const IsothermHost *host) {
    return host->abi_major == ISOTHERM_ABI_MAJOR ? &plugin : NULL;
}
