#!/bin/sh
# Builds the stand-in for libnvidia-ml.so; nvml.c says what it plays.
#   build.sh OUT.so
set -eu
[ $# -eq 1 ] || { echo "usage: $0 OUT.so" >&2; exit 2; }
exec "${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -pthread \
    -o "$1" "$(dirname "$0")/nvml.c" -ldl
