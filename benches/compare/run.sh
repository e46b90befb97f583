#!/usr/bin/env bash
# Everything isotherm is compared with, in one go: builds, measures in turns, and writes docs/PERFORMANCE.md with its figures.
#
#   benches/compare/run.sh [TURNS, default 5]      some 20 minutes on two cores that have nothing else to do
#   benches/compare/run.sh --page                  only writes the page again, from the numbers of the last run and PERFORMANCE.md.in
#
# PYTHON            Python with numpy, scipy, simpy and torch; without it one is made, with what the package index offers.
# ISOTHERM_SHARED   folder with reference/seed_experiment.py (default: ../shared beside the repository); skipped when absent.
# FLEET             0 leaves out the ten thousand GPUs, which take minutes.
#
# What is not there is skipped, and the page says so by leaving it out. Every number is a line of docs/performance/numbers.jsonl.
set -euo pipefail
export PYTHONDONTWRITEBYTECODE=1

root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/benches/compare
kept=$root/docs/performance
page() { python3 "$here/page.py" "$kept/numbers.jsonl" "$here/PERFORMANCE.md.in" "$root/docs/PERFORMANCE.md"; }
if [ "${1:-}" = --page ]; then
    page
    exit
fi
turns=${1:-5}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
numbers=$scratch/numbers.jsonl
say() { printf '%s\n' "$*" >&2; }

# Builds go where cargo puts them, CARGO_TARGET_DIR included.
target_of() {
    cargo metadata --manifest-path "$1/Cargo.toml" --format-version 1 --no-deps |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}
say "building"
cargo build --release --locked --manifest-path "$root/Cargo.toml" --bin isotherm >&2
cargo build --release --locked --manifest-path "$here/Cargo.toml" >&2
isotherm=$(target_of "$root")/release/isotherm
compare=$(target_of "$here")/release

python=${PYTHON:-}
if [ -z "$python" ]; then
    place=$(target_of "$root")/tmp/compare-python
    python=$place/bin/python
    python3 -m venv "$place" && "$place/bin/pip" install --quiet --requirement "$here/requirements.txt" &&
        { "$python" -c 'import torch' 2>/dev/null || "$place/bin/pip" install --quiet torch; } ||
        say "not everything of Python can be installed: what is missing is skipped"
fi
has() { "$python" -c "import $1" 2>/dev/null; }
for module in simpy scipy torch; do
    has "$module" || say "no $module in $python: its parts are skipped"
done

# One number a line; what fails is said and ends nothing.
measure() { "$@" >>"$numbers" || say "failed, and left out: $*"; }
peer() {
    local module=$1 program=$2
    shift 2
    ! has "$module" || measure "$python" "$here/python/$program" "$@"
}
# A whole process: bench, case, who, its results folder, and the command.
whole() {
    local bench=$1 case=$2 who=$3 out=$4
    shift 4
    measure python3 "$here/python/whole.py" "$bench" "$case" "$who" --written "$out" -- "$@"
}

"$compare/thermal" --write "$scratch"
seed_experiment=${ISOTHERM_SHARED:-$root/../shared}/reference/seed_experiment.py
lambdas=(0 0.01 0.1 0.5 1.0)
experiment() {
    local out=$scratch/experiment
    if has torch && [ -f "$seed_experiment" ]; then
        cat >"$scratch/pytorch.sh" <<END
set -e
for lambda in ${lambdas[*]}; do
    "$python" "$seed_experiment" --router ttt --lambda_energy \$lambda --threads 1 --output_dir "$out.pytorch" --quiet
done
END
        whole classic "hidden states" PyTorch "$out.pytorch" bash "$scratch/pytorch.sh"
    fi
    local ours=("$isotherm" experiment --router ttt --output-dir "$out" --force --quiet)
    whole classic "hidden states" isotherm "$out" "${ours[@]}"
    whole classic "logits" isotherm "$out" "${ours[@]}" --source logits
}
run() {
    local bench=$1 case=$2 who=$3
    shift 3
    whole "$bench" "$case" "$who" "$scratch/run" "$isotherm" run --out "$scratch/run" --force --quiet "$@"
}
device=$root/scenarios/device.toml

for turn in $(seq "$turns"); do
    say "turn $turn of $turns, load $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)"
    measure "$compare/machine"
    measure "$compare/hold"
    peer simpy simpy_hold.py 100 10000 1000000
    measure "$compare/crossings"
    for gpus in 100 1000 10000; do measure "$compare/ticks" --gpus "$gpus"; done
    for gpus in 10000 100000; do measure "$compare/snapshot" --gpus "$gpus"; done
    measure "$compare/gate"
    peer numpy numpy_gate.py
    peer torch torch_gate.py
    measure "$compare/thermal"
    peer scipy scipy_loop.py "$scratch" 28 76 268
    experiment
    for threads in 1 2; do
        run threads "$threads" isotherm "$device" --threads "$threads" --set seeds=20 --set arrivals.tokens=2048
    done
    for seeds in 1 4 16 64; do run runs "$seeds" isotherm "$device" --threads 1 --set seeds="$seeds" --set arrivals.batches=20; done
done
say "the sweep of an hour"
for threads in 2 1; do run sweep "$threads threads" isotherm "$here/scenarios/sweep.toml" --threads "$threads"; done
if [ "${FLEET:-1}" != 0 ] && [ -f "$root/scenarios/fleet-10k.toml" ]; then
    say "ten thousand GPUs for an hour"
    run fleet "9,920 GPUs, 1 h" isotherm "$root/scenarios/fleet-10k.toml" --threads 1
    say "more and fewer of them, for a minute"
    for groups in 1 10 31 100 310; do
        run gpus "$((320 * groups))" isotherm "$root/scenarios/fleet-10k.toml" --threads 1 --set fleet.groups="$groups" \
            --set fleet.duration='"1 min"' --set fleet.window='"10 s"'
    done
fi

version() { "$python" -c "import $1; print($1.__version__)" 2>/dev/null || true; }
mkdir -p "$kept"
{
    cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
    flags=$(grep -m 1 -o -w -e avx512f /proc/cpuinfo 2>/dev/null || true)
    printf '{"bench": "run", "date": "%s", "cpu": "%s", "cores": %s, "avx512": %s, "load": "%s", "rustc": "%s", "isotherm": "%s", "turns": %s, "python": "%s", "numpy": "%s", "scipy": "%s", "torch": "%s", "simpy": "%s"}\n' \
        "$(date -u +%Y-%m-%d)" "${cpu:-unknown processor}" "$(getconf _NPROCESSORS_ONLN)" "$([ -n "$flags" ] && echo true || echo false)" \
        "$(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown)" "$(rustc --version | cut -d' ' -f2)" \
        "$("$isotherm" --version | cut -d' ' -f2)" "$turns" "$("$python" -V 2>/dev/null | cut -d' ' -f2)" \
        "$(version numpy)" "$(version scipy)" "$(version torch)" "$(version simpy)"
    cat "$numbers"
} >"$kept/numbers.jsonl"
page
