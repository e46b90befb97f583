#!/bin/sh
# Makes include/isotherm_plugin.h of the Rust sources. `header.sh --check` changes nothing and fails where the committed header is stale.
#
# The generator is installed on first use, into the target directory; CBINDGEN names another one of the same version.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=0.29.4
header=$here/include/isotherm_plugin.h
tools=${CARGO_TARGET_DIR:-$here/../../target}/tools
cbindgen=${CBINDGEN:-$tools/bin/cbindgen}

if [ "$("$cbindgen" --version 2>/dev/null || true)" != "cbindgen $version" ]; then
    if [ -n "${CBINDGEN:-}" ]; then
        echo "header.sh: $cbindgen is not cbindgen $version" >&2
        exit 2
    fi
    cargo install --quiet --locked --root "$tools" --version "=$version" cbindgen
fi

# Links between Rust items become the names in C.
in_c='s/\[`ENTRY`\]/`isotherm_plugin_v1`/g
s/\[`has_field!`\]/`ISOTHERM_HAS_FIELD`/g
s/\[`(crate::)?([A-Z][A-Z0-9_]*)`\](\([^)]*\))?/`ISOTHERM_\2`/g
s/\[`([A-Z][A-Za-z0-9]*)::([a-z_]+)`\]/`Isotherm\1.\2`/g
s/\[`([A-Z][A-Za-z0-9]*)`\](\([^)]*\))?/`Isotherm\1`/g
s/\b([Aa]) `I/\1n `I/g'

made=$(mktemp)
trap 'rm -f "$made"' EXIT
"$cbindgen" --quiet --config "$here/cbindgen.toml" --crate isotherm-plugin-abi --output "$made" "$here"
sed -E -i "$in_c" "$made"

if [ "${1:-}" = --check ]; then
    diff -u "$header" "$made" || { echo "header.sh: $header is stale; run plugins/abi/header.sh" >&2; exit 1; }
else
    mkdir -p "$here/include"
    cp "$made" "$header"
fi
