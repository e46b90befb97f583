/* Options: `{}` or `{"margin": 0.5}`. One number needs no JSON library. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "greedy.h"

#define DEFAULT_MARGIN 0.5
#define LARGEST_MARGIN 1000.0

/* The text that is left to read. */
struct reader {
    const char *at;
    const char *end;
};

IsothermStatus report(const IsothermErrorSink *error, IsothermStatus status, const char *pointer, const char *message)
{
    IsothermStr where = { pointer, strlen(pointer) }, what = { message, strlen(message) };
    error->report(error->ctx, where, what);
    return status;
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && memchr(" \t\r\n", *reader->at, 4) != NULL)
        reader->at++;
}

static int skip(struct reader *reader, const char *expected)
{
    size_t len = strlen(expected);
    skip_space(reader);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, expected, len) != 0)
        return 0;
    reader->at += len;
    return 1;
}

static int read_number(struct reader *reader, double *number)
{
    char digits[64], *rest;
    size_t len = 0;
    skip_space(reader);
    while (reader->at + len < reader->end && memchr("0123456789+-.eE", reader->at[len], 15) != NULL)
        if (++len == sizeof digits)
            return 0;
    memcpy(digits, reader->at, len);
    digits[len] = '\0';
    reader->at += len;
    *number = strtod(digits, &rest);
    return len > 0 && *rest == '\0' && digits[0] != '+' && digits[0] != '.';
}

IsothermStatus read_options(IsothermStr json, struct options *options, const IsothermErrorSink *error)
{
    struct reader reader = { json.ptr, json.ptr + json.len };
    options->margin = DEFAULT_MARGIN;
    if (!skip(&reader, "{"))
        return report(error, ISOTHERM_CONFIG, "", "expected an object such as {\"margin\": 0.5}");
    if (skip(&reader, "\"margin\"")) {
        if (!skip(&reader, ":") || !read_number(&reader, &options->margin))
            return report(error, ISOTHERM_CONFIG, "/margin", "expected a number of nats such as 0.5");
        if (!(options->margin >= 0 && options->margin <= LARGEST_MARGIN))
            return report(error, ISOTHERM_CONFIG, "/margin", "expected from 0 to 1000 nats");
    }
    if (!skip(&reader, "}"))
        return report(error, ISOTHERM_CONFIG, "", "the only option is `margin`, such as {\"margin\": 0.5}");
    skip_space(&reader);
    if (reader.at != reader.end)
        return report(error, ISOTHERM_CONFIG, "", "something stands behind the options");
    return ISOTHERM_OK;
}

void write_options(const struct options *options, const IsothermSink *json)
{
    char text[64];
    int len = snprintf(text, sizeof text, "{\"margin\":%.17g}", options->margin);
    json->write(json->ctx, (const uint8_t *)text, (size_t)len);
}
