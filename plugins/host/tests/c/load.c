/* A load in C99 that measures nothing: a second for each assignment of expert 0, two of expert 1, and so on. */
#include "isotherm_plugin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef NAME
#define NAME "acme/pretend"
#endif
#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof(IsothermLoadV1)
#endif

#ifdef SECOND
ISOTHERM_LABEL("acme", "0.3.1", ISOTHERM_LABEL_LOAD(NAME) ISOTHERM_LABEL_LOAD("acme/other"));
#else
ISOTHERM_LABEL("acme", "0.3.1", ISOTHERM_LABEL_LOAD(NAME));
#endif

typedef struct {
    uint32_t devices[8];
    int broken;
} Load;

static void report(const IsothermErrorSink *error, const char *pointer, const char *message) {
    IsothermStr where = { pointer, strlen(pointer) }, what = { message, strlen(message) };
    error->report(error->ctx, where, what);
}

static IsothermStatus configure(IsothermStr config, const IsothermSink *resolved, const IsothermErrorSink *error) {
    if (config.len > 2 && config.ptr[2] != 'b') {
        report(error, "/speed", "is no option; expected `broken`");
        return ISOTHERM_CONFIG;
    }
    resolved->write(resolved->ctx, (const uint8_t *)config.ptr, config.len);
    return ISOTHERM_OK;
}

static IsothermStatus create(const IsothermHost *host, IsothermStr config, const IsothermLoadContext *context,
                             void **instance, const IsothermErrorSink *error) {
    (void)host;
    if (context->devices > 8) {
        report(error, "", "there are 8 devices");
        return ISOTHERM_CONFIG;
    }
    Load *load = calloc(1, sizeof *load);
    memcpy(load->devices, context->device, context->devices * sizeof(uint32_t));
    load->broken = config.len > 2;
    *instance = load;
    return ISOTHERM_OK;
}

static void destroy(void *instance) { free(instance); }

static IsothermStatus device_name(void *instance, uint32_t gpu, const IsothermSink *name,
                                  const IsothermErrorSink *error) {
    (void)error;
    char text[32];
    int length = snprintf(text, sizeof text, "device %u", (unsigned)((Load *)instance)->devices[gpu]);
    name->write(name->ctx, (const uint8_t *)text, (size_t)length);
    return ISOTHERM_OK;
}

static IsothermStatus execute(void *instance, const IsothermShares *shares, double *seconds,
                              const IsothermErrorSink *error) {
    for (uint32_t gpu = 0; gpu < shares->devices; gpu++) {
        for (uint32_t at = shares->first[gpu]; at < shares->first[gpu + 1]; at++) {
            if (shares->assignments[at] == 13) {
                report(error, "", "13 assignments");
                return ISOTHERM_FAILED;
            }
            seconds[gpu] += (shares->expert[at] + 1.0) * shares->assignments[at];
        }
    }
    if (((Load *)instance)->broken) {
        seconds[0] = 1.0;
    }
    return ISOTHERM_OK;
}

static const IsothermLoadV1 load = {
    .struct_size = TABLE_SIZE,
    .configure = configure,
    .create = create,
    .destroy = destroy,
    .device_name = device_name,
#ifndef NO_EXECUTE
    .execute = execute,
#endif
};
static const IsothermFactory first = { sizeof(IsothermFactory), ISOTHERM_LOAD, ISOTHERM_STR(NAME), &load };
static const IsothermFactory other = { sizeof(IsothermFactory), ISOTHERM_LOAD, ISOTHERM_STR("acme/other"), &load };
static const IsothermFactory *const factories[] = { &first, &other };

static const IsothermPlugin plugin = {
    .struct_size = sizeof(IsothermPlugin),
    .abi_major = ISOTHERM_ABI_MAJOR,
    .abi_minor = ISOTHERM_ABI_MINOR,
    .manifest = ISOTHERM_STR("{\"version\": \"0.3.1\"}"),
#ifdef SECOND
    .factory_count = 2,
#else
    .factory_count = 1,
#endif
    .factories = factories,
};

ISOTHERM_EXPORT const IsothermPlugin *isotherm_plugin_v1(const IsothermHost *host) {
    (void)host, (void)execute;
    return &plugin;
}
