/* Libraries that a host must refuse, one for each macro; without a macro, one that it takes. */
#include "isotherm_plugin.h"
#include <string.h>

#ifndef LABEL_ABI
#define LABEL_ABI "1.0"
#endif
#ifndef ABI_MAJOR
#define ABI_MAJOR 1
#endif
#ifndef ABI_MINOR
#define ABI_MINOR 0
#endif
#ifndef LABEL_ITEMS
#define LABEL_ITEMS "router acme/small\n"
#endif
#ifndef NAME
#define NAME "acme/small"
#endif
#ifndef PLUGIN_SIZE
#define PLUGIN_SIZE sizeof(IsothermPlugin)
#endif
#ifndef FACTORY_SIZE
#define FACTORY_SIZE sizeof(IsothermFactory)
#endif
#ifndef TABLE_SIZE
#define TABLE_SIZE sizeof(IsothermRouterV1)
#endif
#ifndef MANIFEST
#define MANIFEST "{\"version\": \"0.3.1\", \"license\": \"MIT\"}"
#endif
#ifndef FACTORIES
#define FACTORIES 1
#endif

#ifndef NO_LABEL
ISOTHERM_KEPT static const char label[] = "isotherm:" "plugin:label\n"
    "abi " LABEL_ABI "\npackage acme\nversion 0.3.1\n" LABEL_ITEMS;
#endif

static IsothermStatus create(const IsothermHost *host, IsothermStr config, const IsothermRouterContext *context,
                             void **instance, const IsothermErrorSink *error) {
    (void)host, (void)config, (void)context, (void)error;
    *instance = NULL;
    return ISOTHERM_OK;
}
static void destroy(void *instance) { (void)instance; }
static IsothermStatus route(void *instance, const IsothermBatch *batch, IsothermDecision *decision,
                            const IsothermErrorSink *error) {
    (void)instance, (void)batch, (void)error;
    decision->form = ISOTHERM_PRICES;
    return ISOTHERM_OK;
}
static IsothermStatus save(void *instance, const IsothermSink *state, const IsothermErrorSink *error) {
    (void)instance, (void)state, (void)error;
    return ISOTHERM_OK;
}

static const IsothermRouterV1 router = {
    .struct_size = TABLE_SIZE,
    .create = create,
    .destroy = destroy,
#ifndef NO_ROUTE
    .route = route,
#endif
#ifdef SAVE_ALONE
    .save = save,
#endif
};
static const IsothermFactory factory = { FACTORY_SIZE, ISOTHERM_ROUTER, ISOTHERM_STR(NAME), &router };
static const IsothermFactory later = { sizeof(IsothermFactory), 77, ISOTHERM_STR("acme/gate"), NULL };
static const IsothermFactory *const factories[] = { &factory, NULL, NULL };
static const IsothermFactory *const twice[] = { &factory, &factory };
static const IsothermFactory *const with_later[] = { &later, &factory };

static const IsothermPlugin plugin = {
    .struct_size = PLUGIN_SIZE,
    .abi_major = ABI_MAJOR,
    .abi_minor = ABI_MINOR,
    .manifest = ISOTHERM_STR(MANIFEST),
    .factory_count = FACTORIES,
#if defined(TWICE)
    .factories = twice,
#elif defined(WITH_LATER)
    .factories = with_later,
#elif defined(NO_LIST)
    .factories = NULL,
#else
    .factories = factories,
#endif
};

#ifdef UNDEFINED
extern int acme_nowhere(void);
#endif

#ifdef CONTROL_WORD
/* What gcc's crtfastmath.o does when a library built with -ffast-math is loaded. */
__attribute__((constructor)) static void at_load(void) {
#if defined(__x86_64__)
    unsigned control;
    __asm__ volatile("stmxcsr %0" : "=m"(control));
    control |= 0x8040;
    __asm__ volatile("ldmxcsr %0" : : "m"(control));
#elif defined(__aarch64__)
    unsigned long control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" : : "r"(control | (1ul << 24)));
#endif
}
#endif

#ifndef ENTRY
#define ENTRY isotherm_plugin_v1
#endif
ISOTHERM_EXPORT const IsothermPlugin *ENTRY(const IsothermHost *host) {
    (void)save, (void)route, (void)twice, (void)with_later, (void)factories;
#ifdef SAYS
    IsothermStr words = ISOTHERM_STR(SAYS);
    host->log(host->ctx, 2, words);
    if (host->get_extension(host->ctx, words)) return NULL;
#endif
#ifdef UNDEFINED
    if (acme_nowhere()) return NULL;
#endif
#ifdef ANSWERS_NULL
    return NULL;
#endif
    (void)host;
    return &plugin;
}
