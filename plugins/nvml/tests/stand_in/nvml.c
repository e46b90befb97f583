/* A stand-in for libnvidia-ml.so: plays scripted values and faults, so that what reads NVML is tested on a machine without a GPU.
 *
 *   ./build.sh OUT.so
 *
 * Its script is the file OUT.so.script beside it, read anew whenever that file has been replaced (write another file and rename it; writing in
 * place is seen only when time or size differ). Without a script it is one still H200. One statement a line:
 *
 *   [gpu N] [from SECONDS] [until SECONDS] KEY VALUE
 *
 * `gpu` limits it to one GPU, `from` and `until` to a time since the library was loaded. Of several statements with one key the last that
 * holds counts; what stands below is the default of every key. A line that begins with # says nothing.
 *
 * Keys of the library
 *   gpus 1                 number of GPUs, at most 16
 *   driver 580.159.04      version
 *   init 0                 what nvmlInit_v2 returns (a code, see below)
 *   loads 1                how often the driver was loaded: when it changes, nothing answers until the library is initialised anew
 *   refresh 100            milliseconds between two refreshes of all that moves; 0 is none: it moves all the time
 *   time SECONDS           stops the clock there
 *   log 0                  1 appends a line `GPU KEY` to OUT.so.calls for every call of a GPU and every field of it
 * Keys of a GPU: texts
 *   name NVIDIA H200       uuid GPU-00000000-0000-0000-0000-00000000000N (N is the index)
 * Keys of a GPU: values
 *   power 76000 (mW)       energy 5000000 (mJ)     temperature 31          margin 56         sm_clock 345       memory_clock 3201
 *   utilisation 0          memory_utilisation 0    reasons 1               pstate 0          power_limit 700000 (mW)
 *   power_violation 0      thermal_violation 0     (ns)                    slowdown 89       shutdown 95        max_operating 87
 *   memory_max 95          max_sm_clock 1980       mig 0                   capability 90 (10 x major + minor)
 *   field 185 76000        field 186 76000         field 83 5000000        field 185:2 36000 field 186:2 36000  field 82 34
 *   field 193 -8           field 194 -2            field 195 0             field 196 0       (id, or id:scope; all others are not supported)
 * Keys of a GPU: faults
 *   all CODE               whatever is asked of it, attaching included
 *   attach CODE            attaching only
 *   fields CODE            the call for all fields, not each of them
 *   delay KEY MS           time that the call of this key takes; `delay fields` for that of all fields
 *
 * A value is one of
 *   N                      a number; -8 is negative
 *   wave LOW HIGH PERIOD   goes up and down between two numbers, once in PERIOD seconds, along straight lines
 *   mean LOW HIGH PERIOD   the mean of that wave over the last second
 *   integral LOW HIGH PERIOD   what has come together of that wave since time 0: of mW it is mJ
 *   count START RATE       START and RATE more every second
 *   blank                  all bits set
 *   CODE                   no value: ok, uninitialized, invalid_argument, not_supported, no_permission, not_found, driver_not_loaded, timeout,
 *                          lost, version_mismatch, no_data, unknown, or `code N`
 * and that of a field may end with `as TYPE`: double, u32 (default; u64 for field 83), ulong, u64, i64, i32, u16, or a number.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, VERSION_MISMATCH = 25 };
enum { MOST_GPUS = 16, MOST_STATEMENTS = 512, EVERY_GPU = -1 };
enum kind { NUMBER, WAVE, MEAN, INTEGRAL, COUNT, BLANK, CODE };
enum tag { DOUBLE, U32, ULONG, U64, I64, I32, U16 };

typedef int code_t;

struct statement {
    int gpu;
    double from, until;
    char key[40];
    char text[80];
    enum kind kind;
    double number[3];
    code_t code;
    int tag;
};

/* As NVML has them. */
struct field_value {
    unsigned id, scope;
    long long timestamp, latency_us;
    unsigned type, code;
    union {
        double d;
        int si;
        unsigned ui;
        unsigned long ul;
        unsigned long long ull;
        long long sll;
        unsigned short us;
    } value;
};
struct utilization { unsigned gpu, memory; };
struct violation { unsigned long long reference_us, violation_ns; };
struct margin { unsigned version; int margin; };

static const char DEFAULTS[] =
    "gpus 1\ndriver 580.159.04\ninit ok\nloads 1\nrefresh 100\nlog 0\nname NVIDIA H200\nattach ok\nall ok\nfields ok\n"
    "power 76000\nenergy 5000000\ntemperature 31\nmargin 56\nsm_clock 345\nmemory_clock 3201\nutilisation 0\nmemory_utilisation 0\n"
    "reasons 1\npstate 0\npower_limit 700000\npower_violation 0\nthermal_violation 0\nslowdown 89\nshutdown 95\nmax_operating 87\n"
    "memory_max 95\nmax_sm_clock 1980\nmig 0\ncapability 90\nfield 185 76000\nfield 186 76000\nfield 83 5000000\n"
    "field 185:2 36000\nfield 186:2 36000\nfield 82 34\nfield 193 -8\nfield 194 -2\nfield 195 0\nfield 196 0\n";

static const struct { const char *word; code_t code; } CODES[] = {
    {"ok", 0}, {"uninitialized", 1}, {"invalid_argument", 2}, {"not_supported", 3}, {"no_permission", 4}, {"not_found", 6},
    {"driver_not_loaded", 9}, {"timeout", 10}, {"lost", 15}, {"version_mismatch", 18}, {"no_data", 21}, {"unknown", 999},
};
static const char *const TAGS[] = {"double", "u32", "ulong", "u64", "i64", "i32", "u16"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct statement statements[MOST_STATEMENTS];
static int count;
static char script_path[4096], calls_path[4096];
static struct stat script_seen;
static double loaded_at;
static int initialised, loads_at_init;
static struct { int index; } devices[MOST_GPUS];

/* -- the clock ------------------------------------------------------------------------------------------------------------------------- */

static double monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static const struct statement *find(int gpu, const char *key, double at);

static double elapsed(void) {
    const struct statement *stopped = find(EVERY_GPU, "time", 0);
    return stopped ? stopped->number[0] : monotonic() - loaded_at;
}

/* -- the script ------------------------------------------------------------------------------------------------------------------------ */

static char *word(char **rest) {
    char *found;
    do found = strsep(rest, " \t");
    while (found && !*found);
    return found;
}

static int code_of(const char *text, code_t *code) {
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
        if (strcmp(CODES[i].word, text) == 0) {
            *code = CODES[i].code;
            return 1;
        }
    return 0;
}

static void parse_value(struct statement *s, char *rest) {
    char *first = word(&rest);
    if (!first) return;
    int numbers = 0;
    s->kind = strcmp(first, "wave") == 0 ? WAVE : strcmp(first, "mean") == 0 ? MEAN : strcmp(first, "integral") == 0 ? INTEGRAL
        : strcmp(first, "count") == 0 ? COUNT : strcmp(first, "blank") == 0 ? BLANK : strcmp(first, "code") == 0 ? CODE : NUMBER;
    if (s->kind == NUMBER && code_of(first, &s->code)) s->kind = CODE;
    else if (s->kind == NUMBER) s->number[numbers++] = strtod(first, NULL);
    for (char *next; (next = word(&rest));) {
        if (strcmp(next, "as") == 0 && (next = word(&rest))) {
            s->tag = atoi(next);
            for (int tag = 0; tag < 7; tag++)
                if (strcmp(TAGS[tag], next) == 0) s->tag = tag;
        } else if (next && s->kind == CODE) s->code = atoi(next);
        else if (next && numbers < 3) s->number[numbers++] = strtod(next, NULL);
    }
}

static void parse_line(char *line) {
    line[strcspn(line, "\r\n")] = 0;
    if (count == MOST_STATEMENTS || line[0] == '#') return;
    struct statement *s = &statements[count];
    *s = (struct statement){.gpu = EVERY_GPU, .from = -1e300, .until = 1e300, .tag = -1};
    char *rest = line, *key = word(&rest);
    for (; key; key = word(&rest)) {
        char *value = NULL;
        if (strcmp(key, "gpu") == 0 && (value = word(&rest))) s->gpu = atoi(value);
        else if (strcmp(key, "from") == 0 && (value = word(&rest))) s->from = strtod(value, NULL);
        else if (strcmp(key, "until") == 0 && (value = word(&rest))) s->until = strtod(value, NULL);
        else break;
    }
    if (!key) return;
    int is_double = strcmp(key, "field") == 0 || strcmp(key, "delay") == 0;
    char *second = is_double ? word(&rest) : NULL;
    snprintf(s->key, sizeof s->key, second ? "%s %s" : "%s", key, second);
    snprintf(s->text, sizeof s->text, "%s", rest ? rest : "");
    if (rest) parse_value(s, rest);
    count++;
}

static void parse(FILE *from) {
    char line[512];
    while (fgets(line, sizeof line, from)) parse_line(line);
}

static void read_script(void) {
    struct stat now = {0};
    stat(script_path, &now);
    int is_same = now.st_ino == script_seen.st_ino && now.st_size == script_seen.st_size
        && now.st_mtim.tv_sec == script_seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == script_seen.st_mtim.tv_nsec;
    if (count && is_same) return;
    script_seen = now;
    count = 0;
    char defaults[sizeof DEFAULTS];
    memcpy(defaults, DEFAULTS, sizeof defaults);
    FILE *file = fmemopen(defaults, sizeof defaults - 1, "r");
    if (file) {
        parse(file);
        fclose(file);
    }
    if ((file = fopen(script_path, "r"))) {
        parse(file);
        fclose(file);
    }
}

static const struct statement *find(int gpu, const char *key, double at) {
    for (int i = count - 1; i >= 0; i--) {
        const struct statement *s = &statements[i];
        if ((s->gpu == EVERY_GPU || s->gpu == gpu) && s->from <= at && at < s->until && strcmp(s->key, key) == 0) return s;
    }
    return NULL;
}

/* -- values ---------------------------------------------------------------------------------------------------------------------------- */

/* Integral of a triangle wave that begins at its lower end. */
static double integral(const double *w, double at) {
    if (at <= 0 || w[2] <= 0) return w[0] * at;
    double half = w[2] / 2, whole = (double)(long long)(at / w[2]), part = at - whole * w[2];
    double height = w[1] - w[0];
    double rise = part < half ? part : half, fall = part - rise;
    double risen = height * rise * rise / (2 * half), fallen = height * fall - height * fall * fall / (2 * half);
    return w[0] * at + whole * height * half + risen + fallen;
}

static double value_at(const struct statement *s, double at) {
    const double *n = s->number;
    switch (s->kind) {
    case WAVE: {
        if (n[2] <= 0) return n[0];
        double part = at / n[2] - (double)(long long)(at / n[2]);
        return n[0] + (n[1] - n[0]) * (part < 0.5 ? 2 * part : 2 - 2 * part);
    }
    case MEAN: return integral(n, at) - integral(n, at - 1);
    case INTEGRAL: return integral(n, at);
    case COUNT: return n[0] + n[1] * at;
    default: return n[0];
    }
}

static long long nearest(double value) { return (long long)(value < 0 ? value - 0.5 : value + 0.5); }

static double refreshed(double at) {
    const struct statement *refresh = find(EVERY_GPU, "refresh", at);
    double step = refresh ? refresh->number[0] / 1000 : 0;
    /* A millionth of a step late, so that three steps of 0.1 s are three. */
    return step > 0 ? step * (double)(long long)(at / step + 1e-6) : at;
}

/* -- calls ----------------------------------------------------------------------------------------------------------------------------- */

static long long number_of(const char *key) {
    const struct statement *s = find(EVERY_GPU, key, elapsed());
    return s ? nearest(s->number[0]) : 0;
}

static void pause_for(const struct statement *delay) {
    if (!delay || delay->number[0] <= 0) return;
    struct timespec time = {(time_t)(delay->number[0] / 1000), 0};
    time.tv_nsec = (long)((delay->number[0] - 1000.0 * (double)time.tv_sec) * 1e6);
    nanosleep(&time, NULL);
}

static void note(int gpu, const char *key) {
    if (!number_of("log")) return;
    int file = open(calls_path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    if (file < 0) return;
    dprintf(file, "%d %s\n", gpu, key);
    close(file);
}

/* Begins a call: what stands against it, or OK. */
static code_t begin(void *device, const char *key, int *gpu) {
    read_script();
    if (!initialised || loads_at_init != number_of("loads")) return UNINITIALIZED;
    *gpu = ((__typeof__(devices[0]) *)device)->index;
    double at = elapsed();
    note(*gpu, key);
    char delay[48];
    snprintf(delay, sizeof delay, "delay %s", key);
    pause_for(find(*gpu, delay, at));
    const struct statement *all = find(*gpu, "all", at);
    return all ? all->code : OK;
}

/* The value of a key, or the code that stands for it. */
static code_t look_up(int gpu, const char *key, const struct statement **found, long long *value) {
    double at = elapsed();
    *found = find(gpu, key, at);
    if (!*found) return NOT_SUPPORTED;
    if ((*found)->kind == CODE) return (*found)->code;
    *value = (*found)->kind == BLANK ? -1 : nearest(value_at(*found, refreshed(at)));
    return OK;
}

static code_t ask(void *device, const char *key, long long *value) {
    int gpu;
    const struct statement *found;
    pthread_mutex_lock(&lock);
    code_t code = begin(device, key, &gpu);
    if (code == OK) code = look_up(gpu, key, &found, value);
    pthread_mutex_unlock(&lock);
    return code;
}

static code_t ask_unsigned(void *device, const char *key, unsigned *out) {
    long long value;
    code_t code = ask(device, key, &value);
    if (code == OK) *out = (unsigned)value;
    return code;
}

static code_t ask_text(void *device, const char *key, char *out, unsigned size) {
    int gpu;
    pthread_mutex_lock(&lock);
    code_t code = begin(device, key, &gpu);
    const struct statement *found = code == OK ? find(gpu, key, elapsed()) : NULL;
    char own[80];
    snprintf(own, sizeof own, "GPU-00000000-0000-0000-0000-%012d", gpu);
    const char *text = found ? found->text : own;
    if (code == OK && strlen(text) >= size) code = INSUFFICIENT_SIZE;
    if (code == OK) strcpy(out, text);
    pthread_mutex_unlock(&lock);
    return code;
}

__attribute__((constructor)) static void loaded(void) {
    Dl_info self;
    loaded_at = monotonic();
    for (int i = 0; i < MOST_GPUS; i++) devices[i].index = i;
    if (!dladdr((void *)&devices, &self) || !self.dli_fname) return;
    snprintf(script_path, sizeof script_path, "%s.script", self.dli_fname);
    snprintf(calls_path, sizeof calls_path, "%s.calls", self.dli_fname);
}

/* -- what NVML exports ----------------------------------------------------------------------------------------------------------------- */

#define EXPORT __attribute__((visibility("default")))

EXPORT code_t nvmlInit_v2(void) {
    pthread_mutex_lock(&lock);
    read_script();
    const struct statement *init = find(EVERY_GPU, "init", elapsed());
    code_t code = init ? init->code : OK;
    if (code == OK && initialised++ == 0) loads_at_init = (int)number_of("loads");
    pthread_mutex_unlock(&lock);
    return code;
}

EXPORT code_t nvmlShutdown(void) {
    pthread_mutex_lock(&lock);
    code_t code = initialised ? OK : UNINITIALIZED;
    if (initialised) initialised--;
    pthread_mutex_unlock(&lock);
    return code;
}

EXPORT code_t nvmlSystemGetDriverVersion(char *out, unsigned size) {
    pthread_mutex_lock(&lock);
    read_script();
    const struct statement *driver = find(EVERY_GPU, "driver", elapsed());
    snprintf(out, size, "%s", driver ? driver->text : "");
    pthread_mutex_unlock(&lock);
    return OK;
}

EXPORT code_t nvmlDeviceGetCount_v2(unsigned *out) {
    pthread_mutex_lock(&lock);
    read_script();
    long long gpus = number_of("gpus");
    *out = (unsigned)(gpus > MOST_GPUS ? MOST_GPUS : gpus);
    pthread_mutex_unlock(&lock);
    return initialised ? OK : UNINITIALIZED;
}

static code_t attach(unsigned index, void **out) {
    int gpu;
    const struct statement *attach;
    if (index >= MOST_GPUS) return INVALID_ARGUMENT;
    code_t code = begin(&devices[index], "attach", &gpu);
    if (code == OK && (attach = find(gpu, "attach", elapsed()))) code = attach->code;
    if (code == OK && gpu >= number_of("gpus")) code = NOT_FOUND;
    if (code == OK) *out = &devices[index];
    return code;
}

EXPORT code_t nvmlDeviceGetHandleByIndex_v2(unsigned index, void **out) {
    pthread_mutex_lock(&lock);
    code_t code = attach(index, out);
    pthread_mutex_unlock(&lock);
    return code;
}

EXPORT code_t nvmlDeviceGetUUID(void *device, char *out, unsigned size) { return ask_text(device, "uuid", out, size); }
EXPORT code_t nvmlDeviceGetName(void *device, char *out, unsigned size) { return ask_text(device, "name", out, size); }

EXPORT code_t nvmlDeviceGetHandleByUUID(const char *uuid, void **out) {
    code_t code = NOT_FOUND;
    pthread_mutex_lock(&lock);
    read_script();
    for (int gpu = 0; gpu < (int)number_of("gpus") && gpu < MOST_GPUS; gpu++) {
        const struct statement *given = find(gpu, "uuid", elapsed());
        char own[80];
        snprintf(own, sizeof own, "GPU-00000000-0000-0000-0000-%012d", gpu);
        if (strcmp(given ? given->text : own, uuid) == 0) {
            code = attach((unsigned)gpu, out);
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return code;
}

EXPORT code_t nvmlDeviceGetPowerUsage(void *device, unsigned *out) { return ask_unsigned(device, "power", out); }
EXPORT code_t nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *out) { return ask_unsigned(device, "power_limit", out); }
EXPORT code_t nvmlDeviceGetPerformanceState(void *device, unsigned *out) { return ask_unsigned(device, "pstate", out); }

EXPORT code_t nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *out) {
    long long value;
    code_t code = ask(device, "energy", &value);
    if (code == OK) *out = (unsigned long long)value;
    return code;
}

EXPORT code_t nvmlDeviceGetTemperature(void *device, unsigned sensor, unsigned *out) {
    return sensor == 0 ? ask_unsigned(device, "temperature", out) : INVALID_ARGUMENT;
}

EXPORT code_t nvmlDeviceGetTemperatureThreshold(void *device, unsigned which, unsigned *out) {
    static const char *const KEYS[] = {"shutdown", "slowdown", "memory_max", "max_operating"};
    return which < 4 ? ask_unsigned(device, KEYS[which], out) : NOT_SUPPORTED;
}

EXPORT code_t nvmlDeviceGetMarginTemperature(void *device, struct margin *out) {
    long long value;
    if (out->version != (sizeof *out | 1u << 24)) return VERSION_MISMATCH;
    code_t code = ask(device, "margin", &value);
    if (code == OK) out->margin = (int)value;
    return code;
}

EXPORT code_t nvmlDeviceGetClockInfo(void *device, unsigned clock, unsigned *out) {
    return clock == 1 ? ask_unsigned(device, "sm_clock", out) : clock == 2 ? ask_unsigned(device, "memory_clock", out) : NOT_SUPPORTED;
}

EXPORT code_t nvmlDeviceGetMaxClockInfo(void *device, unsigned clock, unsigned *out) {
    return clock == 1 ? ask_unsigned(device, "max_sm_clock", out) : NOT_SUPPORTED;
}

EXPORT code_t nvmlDeviceGetUtilizationRates(void *device, struct utilization *out) {
    int gpu;
    const struct statement *found;
    long long busy, memory;
    pthread_mutex_lock(&lock);
    code_t code = begin(device, "utilisation", &gpu);
    if (code == OK) code = look_up(gpu, "utilisation", &found, &busy);
    if (code == OK) code = look_up(gpu, "memory_utilisation", &found, &memory);
    if (code == OK) *out = (struct utilization){(unsigned)busy, (unsigned)memory};
    pthread_mutex_unlock(&lock);
    return code;
}

EXPORT code_t nvmlDeviceGetCurrentClocksEventReasons(void *device, unsigned long long *out) {
    long long value;
    code_t code = ask(device, "reasons", &value);
    if (code == OK) *out = (unsigned long long)value;
    return code;
}

EXPORT code_t nvmlDeviceGetViolationStatus(void *device, unsigned policy, struct violation *out) {
    long long value;
    if (policy > 1) return NOT_SUPPORTED;
    code_t code = ask(device, policy == 0 ? "power_violation" : "thermal_violation", &value);
    if (code == OK) *out = (struct violation){0, (unsigned long long)value};
    return code;
}

EXPORT code_t nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
    code_t code = ask_unsigned(device, "mig", current);
    if (code == OK) *pending = *current;
    return code;
}

EXPORT code_t nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    long long value;
    code_t code = ask(device, "capability", &value);
    if (code == OK) (*major = (int)(value / 10), *minor = (int)(value % 10));
    return code;
}

static void answer(int gpu, struct field_value *field) {
    char key[40];
    long long value = 0;
    const struct statement *s;
    snprintf(key, sizeof key, field->scope ? "field %u:%u" : "field %u", field->id, field->scope);
    note(gpu, key);
    field->code = (unsigned)look_up(gpu, key, &s, &value);
    if (field->code != OK) return;
    int tag = s->tag >= 0 ? s->tag : field->id == 83 ? U64 : U32;
    field->type = (unsigned)tag;
    field->value.ull = 0;
    switch (tag) {
    case DOUBLE: field->value.d = s->kind == BLANK ? 0.0 / 0.0 : value_at(s, refreshed(elapsed())); break;
    case U32: field->value.ui = (unsigned)value; break;
    case ULONG: field->value.ul = (unsigned long)value; break;
    case U64: field->value.ull = (unsigned long long)value; break;
    case I64: field->value.sll = value; break;
    case I32: field->value.si = (int)value; break;
    case U16: field->value.us = (unsigned short)value; break;
    default: field->value.ull = (unsigned long long)value; break;
    }
    /* As drivers do with some: the number is not what was asked for. */
    field->id += 1000;
}

EXPORT code_t nvmlDeviceGetFieldValues(void *device, int number, struct field_value *fields) {
    int gpu;
    pthread_mutex_lock(&lock);
    code_t code = begin(device, "fields", &gpu);
    const struct statement *call = code == OK ? find(gpu, "fields", elapsed()) : NULL;
    if (call && call->code != OK) code = call->code;
    for (int i = 0; code == OK && i < number; i++) answer(gpu, &fields[i]);
    pthread_mutex_unlock(&lock);
    return code;
}
