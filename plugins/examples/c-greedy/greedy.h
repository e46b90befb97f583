/* What the three parts of the router share. */
#ifndef GREEDY_H
#define GREEDY_H

#include "isotherm_plugin.h"

/* Options of a router: how many nats of logit a token gives up at most for a cheaper expert. */
struct options {
    double margin;
};

/* Reads options from JSON, or reports what is wrong with them. */
IsothermStatus read_options(IsothermStr json, struct options *options, const IsothermErrorSink *error);

/* Options as JSON. */
void write_options(const struct options *options, const IsothermSink *json);

/* Reports a fault. `pointer` leads to an option, such as "/margin". */
IsothermStatus report(const IsothermErrorSink *error, IsothermStatus status, const char *pointer, const char *message);

extern const IsothermRouterV1 greedy;

#endif
