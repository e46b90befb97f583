#!/usr/bin/env bash
# Makes every picture of README and docs again: those of shipped scenarios with `isotherm plot`, light and dark, and on request those of
# docs/VALIDATION.md, which come from measurements.
#
#   docs/figures.sh                       builds isotherm and makes the pictures of scenarios; a minute or two
#   docs/figures.sh --program PATH        with a program that is built already
#   docs/figures.sh --only NAME           one picture of a scenario; may be repeated
#   docs/figures.sh --out DIR             in another folder
#   docs/figures.sh --validation          those of docs/VALIDATION.md as well: measures again and writes that page, takes minutes
#   docs/figures.sh --list                only names all pictures, a path a line
#
# The same program and the same scenarios give the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Picture, scenario, figure of `isotherm plot`.
pictures=(
    "classic scenarios/classic.toml pareto"
    "drift scenarios/drift.toml drift-recovery"
    "frontier scenarios/frontier.toml pareto"
    "feasible-cap scenarios/feasible-cap.toml temperature"
    "cooling-failure scenarios/cooling-failure.toml temperature"
)
# Drawn by docs/validation/generate.py.
validation=(holds-3 kernels moe pair-1 pair-2 single-1 single-2 solver split)
# The screen of `isotherm telemetry watch` beside two real H200s: needs them to be made again.
kept=(docs/figures/watch-h200.svg)

program="" out=docs/figures only=() with_validation=false
while [ $# -gt 0 ]; do
    case "$1" in
    --program) program=$(realpath "$2") && shift ;;
    --out) out=$2 && shift ;;
    --only) only+=("$2") && shift ;;
    --validation) with_validation=true ;;
    --list)
        for picture in "${pictures[@]}"; do
            printf '%s\n' "docs/figures/${picture%% *}.svg" "docs/figures/${picture%% *}-dark.svg"
        done
        printf 'docs/validation/%s.svg\n' "${validation[@]}"
        printf '%s\n' "${kept[@]}"
        exit
        ;;
    *) echo "$0: unknown option $1; its first lines say what there is" >&2 && exit 2 ;;
    esac
    shift
done

if [ -z "$program" ]; then
    cargo build --release --bin isotherm
    program=${CARGO_TARGET_DIR:-target}/release/isotherm
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"

made=0
for picture in "${pictures[@]}"; do
    read -r name scenario figure <<<"$picture"
    if [ ${#only[@]} -gt 0 ] && [[ " ${only[*]} " != *" $name "* ]]; then
        continue
    fi
    "$program" run "$scenario" --out "$work/$name" --quiet >/dev/null
    for theme in light dark; do
        "$program" plot "$work/$name" --figure "$figure" --format svg --theme "$theme" --out "$work/pictures" 2>"$work/told" ||
            { cat "$work/told" >&2 && exit 1; }
    done
    mv "$work/pictures/$figure.svg" "$out/$name.svg"
    mv "$work/pictures/$figure-dark.svg" "$out/$name-dark.svg"
    made=$((made + 2))
done
if [ "$made" -eq 0 ]; then
    echo "$0: no such picture: ${only[*]}; --list names them" >&2
    exit 2
fi
echo "$made pictures in $out" >&2

if $with_validation; then
    python3 docs/validation/generate.py --program "$program"
fi
