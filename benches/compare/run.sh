#!/usr/bin/env bash
# Everything isotherm is compared with, in one go: builds, runs, and writes a markdown block to stdout.
#
#   benches/compare/run.sh [repetitions, default 5]
#
# PYTHON            Python with torch (default: python3); without torch the PyTorch parts are skipped.
# ISOTHERM_SHARED   folder with reference/seed_experiment.py (default: ../shared beside the repository); skipped when absent.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/benches/compare
reps=${1:-5}
python=${PYTHON:-python3}
seed_experiment=${ISOTHERM_SHARED:-$root/../shared}/reference/seed_experiment.py
lambdas=(0 0.01 0.1 0.5 1.0)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

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

has_torch=false
if "$python" -c 'import torch' 2>/dev/null; then has_torch=true; else say "no torch in $python: its parts are skipped"; fi

machine() {
    local cpu
    cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1)
    echo "Machine: ${cpu:-unknown processor}, $(getconf _NPROCESSORS_ONLN) cores, load $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || echo unknown) at the start."
    echo "$(rustc --version), isotherm $("$isotherm" --version | cut -d' ' -f2), $($has_torch && "$python" -c 'import torch, platform; print("Python", platform.python_version() + ", PyTorch", torch.__version__)' || echo "no PyTorch"). $(date -u +%Y-%m-%d)."
}

# The two sides of the routing core take turns; medians over the turns.
routing_core() {
    echo "### Routing core, one thread"
    echo
    echo "Gate product of [2048 x 512] hidden states, price, softmax, top k, combine weights, counts; 100 batches, processor time."
    echo
    for turn in $(seq "$reps"); do
        say "routing core, turn $turn of $reps"
        for shape in "8 2" "64 8"; do
            read -r experts top_k <<<"$shape"
            "$compare/routing_core" --experts "$experts" --top-k "$top_k" --reps 3 --json >>"$scratch/core.ours"
            "$python" "$here/routing_core.py" --experts "$experts" --top-k "$top_k" --reps 3 --json >>"$scratch/core.torch"
        done
    done
    "$python" "$here/report.py" core "$scratch/core.ours" "$scratch/core.torch"
}

experiment() {
    echo "### The whole experiment, whole processes"
    echo
    echo "204,800 tokens, 8 experts, top 2, router \`ttt\`, lambda ${lambdas[*]}. PyTorch runs once per lambda on one thread, isotherm is one process."
    echo
    cat >"$scratch/pytorch.sh" <<EOF
set -e
for lambda in ${lambdas[*]}; do
    "$python" "$seed_experiment" --router ttt --lambda_energy \$lambda --threads 1 --output_dir "$scratch/pytorch" --quiet
done
EOF
    local ours=("$isotherm" experiment --router ttt --output-dir "$scratch/ours" --force --quiet)
    local names=("PyTorch" "isotherm" "isotherm, \`--source logits\`")
    local commands=("bash $scratch/pytorch.sh" "${ours[*]@Q}" "${ours[*]@Q} --source logits")
    if command -v hyperfine >/dev/null; then
        # One round of each in turn: a change of the machine's load meets all three.
        for turn in $(seq "$reps"); do
            say "experiment, turn $turn of $reps"
            hyperfine --runs 1 --warmup $((turn == 1)) --export-json "$scratch/turn.$turn.json" "${commands[@]}" >/dev/null 2>"$scratch/hyperfine.log" ||
                { cat "$scratch/hyperfine.log" >&2; return 1; }
        done
    else
        say "no hyperfine: timed by report.py alone"
    fi
    "$python" "$here/report.py" experiment "$reps" "$scratch" "${names[@]}" -- "${commands[@]}"
}

echo "## Compared on $(date -u +%Y-%m-%d)"
echo
machine
echo
echo "### Event engines, hold model, one thread"
echo
echo "Pending events that reschedule themselves with exponential increments; processor time, engines interleaved, ratios paired."
echo
say "event engines"
"$compare/hold" --reps "$((reps + 2))"
echo
if $has_torch; then
    routing_core
    echo
    if [ -f "$seed_experiment" ]; then experiment; else say "no ${seed_experiment##*/} under ISOTHERM_SHARED: the whole experiment is skipped"; fi
fi
