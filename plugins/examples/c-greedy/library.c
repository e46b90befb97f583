/* What the library offers, and to whom. */
#include "greedy.h"

#define VERSION "1.0.0"
#define NAME "example/c-greedy"

ISOTHERM_LABEL("c-greedy", VERSION, ISOTHERM_LABEL_ROUTER(NAME));

static const IsothermFactory factory = {
    .struct_size = sizeof(IsothermFactory),
    .kind = ISOTHERM_ROUTER,
    .name = ISOTHERM_STR(NAME),
    .vtable = &greedy,
};

static const IsothermFactory *const factories[] = { &factory };

static const IsothermPlugin plugin = {
    .struct_size = sizeof(IsothermPlugin),
    .abi_major = ISOTHERM_ABI_MAJOR,
    .abi_minor = ISOTHERM_ABI_MINOR,
    .manifest = ISOTHERM_STR(
        "{\"version\":\"" VERSION "\",\"description\":\"A router in C\",\"license\":\"MIT OR Apache-2.0\","
        "\"items\":[{\"kind\":\"router\",\"name\":\"" NAME "\","
        "\"summary\":\"The cheapest of the experts that are nearly as good as a token's own choice.\","
        "\"example\":{\"margin\":0.5},"
        "\"options\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"margin\":{"
        "\"type\":\"number\",\"minimum\":0,\"maximum\":1000,\"default\":0.5,"
        "\"description\":\"Logit that a token gives up at most for a cheaper expert (nats).\"}}}}]}"),
    .factory_count = 1,
    .factories = factories,
};

ISOTHERM_EXPORT const IsothermPlugin *isotherm_plugin_v1(const IsothermHost *host)
{
    return host->abi_major == ISOTHERM_ABI_MAJOR ? &plugin : NULL;
}
