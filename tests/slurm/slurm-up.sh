#!/usr/bin/env bash
# slurm-up.sh: start a real, throw-away SLURM cluster on this one machine.
#
# One munged, one slurmctld and N slurmd (virtual nodes node1..nodeN, one port
# each) run from Debian/Ubuntu packages. No systemd, cgroups, accounting
# database or container is needed. All configuration, keys, state and logs are
# under one directory; /etc/slurm and /etc/munge are neither read nor changed.
#
#   source <(./slurm-up.sh)          start (or reuse), set SLURM_CONF here
#   ./slurm-up.sh --nodes 4          start; print the line to eval
#   ./slurm-down.sh                  stop what this script started
#
# Options:
#   --dir DIR       state directory (default: $SLURM_TEST_DIR, else
#                   ${TMPDIR:-/tmp}/slurm-test-$(id -u))
#   --nodes N       virtual nodes (default: $SLURM_TEST_NODES, else 2)
#   --cpus N        CPUs each node claims (default: $SLURM_TEST_CPUS, else 2)
#   --mem MB        memory each node claims (default: $SLURM_TEST_MEM, else 1024)
#   --gpus N        GPUs ("gres/gpu") each node claims (default: 0); only counted:
#                   there is no device, CUDA_VISIBLE_DEVICES is not set
#   --lost N        SlurmdTimeout: a silent node is down after about 2N seconds
#                   (default: 5; SLURM's own default is 300)
#   --expire N      cred_expire: a job requeued from a lost node may start again
#                   after N+1 seconds (default: 5; SLURM's own default is 120)
#   --max-array N   MaxArraySize (default: 1001, SLURM's own default)
#   --again N       RequeueExit: a job that ends with N is queued again (default: 75;
#                   none: no exit status does that, as on a real site)
#   --preempt       a second partition "urgent" over all nodes; its jobs send those
#                   of "main" back to the queue
#   --time N        seconds allowed until every node is idle (default: 60)
#   --no-install    fail, do not apt-get install, if a program is missing
#   --fresh         stop a running one and start with empty state
#
# stdout carries only shell code to eval ("export SLURM_CONF=... ");
# everything for people goes to stderr. Exit status: 0 ready, 1 not.
set -euo pipefail

HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=slurm-lib.sh
. "$HERE/slurm-lib.sh"
NODES="${SLURM_TEST_NODES:-2}"
CPUS="${SLURM_TEST_CPUS:-2}"
MEM="${SLURM_TEST_MEM:-1024}"
GPUS="${SLURM_TEST_GPUS:-0}"
MAXARRAY="${SLURM_TEST_MAX_ARRAY:-1001}"
LOST=5
EXPIRE=5
AGAIN=75
PREEMPT=0
LIMIT=60
INSTALL=1
FRESH=0

say() { printf 'slurm-up: %s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

while [ $# -gt 0 ]; do
  case "$1" in
    --dir) DIR="$2"; shift 2 ;;
    --nodes) NODES="$2"; shift 2 ;;
    --cpus) CPUS="$2"; shift 2 ;;
    --mem) MEM="$2"; shift 2 ;;
    --gpus) GPUS="$2"; shift 2 ;;
    --lost) LOST="$2"; shift 2 ;;
    --expire) EXPIRE="$2"; shift 2 ;;
    --max-array) MAXARRAY="$2"; shift 2 ;;
    --again) AGAIN="${2/none/}"; shift 2 ;;
    --preempt) PREEMPT=1; shift ;;
    --time) LIMIT="$2"; shift 2 ;;
    --no-install) INSTALL=0; shift ;;
    --fresh) FRESH=1; shift ;;
    -h|--help) usage ;;
    *) die "unknown option: $1 (see --help)" ;;
  esac
done
for n in NODES CPUS MEM GPUS MAXARRAY LOST EXPIRE LIMIT; do
  [[ "${!n}" =~ ^[0-9]+$ ]] || die "$n must be a whole number, got '${!n}'"
done
[ "$NODES" -ge 1 ] || die "--nodes must be at least 1"

# --- programs ---------------------------------------------------------------
missing() {
  local p lack=""
  for p in munged munge slurmctld slurmd slurmstepd sbatch sinfo scontrol; do
    command -v "$p" >/dev/null 2>&1 || lack="$lack $p"
  done
  printf '%s' "$lack"
}
if [ -n "$(missing)" ]; then
  [ "$INSTALL" = 1 ] || die "missing:$(missing) (packages: slurmctld slurmd slurm-client munge)"
  command -v apt-get >/dev/null || die "missing:$(missing), and there is no apt-get here"
  SUDO=""; [ "$(id -u)" = 0 ] || SUDO="sudo -n"
  say "installing slurmctld slurmd slurm-client munge"
  inst() {
    # The packages' own services are not wanted: forbid their start while they
    # are installed, unless this machine has a policy of its own.
    local policy=/usr/sbin/policy-rc.d mine=0 rc=0
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\nexit 101\n' | $SUDO tee "$policy" >/dev/null
      $SUDO chmod 755 "$policy"; mine=1
    fi
    $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
      --no-install-recommends slurmctld slurmd slurm-client munge >&2 || rc=$?
    [ "$mine" = 0 ] || $SUDO rm -f "$policy"
    return $rc
  }
  inst || { $SUDO apt-get update -qq >&2 && inst; } || die "apt-get could not install the packages"
  [ -z "$(missing)" ] || die "still missing after the install:$(missing)"
fi

# --- reuse a running one ----------------------------------------------------
emit() {
  printf 'export SLURM_CONF=%q\n' "$DIR/slurm.conf"
  printf 'export SLURM_TEST_DIR=%q\n' "$DIR"
}
all_idle() {
  local idle
  idle="$(SLURM_CONF="$DIR/slurm.conf" timeout 5 sinfo -h -N -t idle,mix,alloc -o '%N %T' 2>/dev/null \
    | awk '$2 !~ /[*#~]/' | sort -u | wc -l)"
  [ "$idle" = "$NODES" ]
}
mkdir -p "$DIR"
DIR="$(cd "$DIR" && pwd -P)"
exec 9>"$DIR/.lock"
flock -w "$LIMIT" 9 || die "another slurm-up.sh holds $DIR/.lock"
WANT="nodes=$NODES cpus=$CPUS mem=$MEM gpus=$GPUS maxarray=$MAXARRAY lost=$LOST expire=$EXPIRE again=$AGAIN preempt=$PREEMPT"
if [ "$FRESH" = 0 ] && [ "$(cat "$DIR/want" 2>/dev/null)" = "$WANT" ] && all_idle; then
  say "already up in $DIR ($WANT)"
  emit; exit 0
fi
"$HERE/slurm-down.sh" --dir "$DIR" --quiet 9>&- || die "could not stop the earlier one in $DIR"
rm -rf "${DIR:?}"/{munge,run,state,spool,log,dev,pids,slurm.conf,gres.conf,cgroup.conf,want}

# --- configuration ----------------------------------------------------------
ME="$(id -un)"
HOST="$(hostname -s 2>/dev/null || uname -n | cut -d. -f1)"
chmod 755 "$DIR"
mkdir -p "$DIR"/{munge,run,state,spool,log}
chmod 755 "$DIR/run"; chmod 700 "$DIR/munge" "$DIR/state"

free_ports() { # N: N TCP ports that nothing listens on, one after another
  python3 - "$1" <<'PY' 2>/dev/null || free_ports_bash "$1"
import socket, sys
held = []
for _ in range(int(sys.argv[1])):
    s = socket.socket(); s.bind(("127.0.0.1", 0)); held.append(s)
print("\n".join(str(s.getsockname()[1]) for s in held))
PY
}
free_ports_bash() {
  local n="$1" p=$((20000 + RANDOM % 20000))
  while [ "$n" -gt 0 ]; do
    p=$((p + 1))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null; then echo "$p"; n=$((n - 1)); fi
  done
}
mapfile -t PORTS < <(free_ports $((NODES + 1)))
[ "${#PORTS[@]}" -ge $((NODES + 1)) ] || die "no free TCP ports"

head -c 128 /dev/urandom >"$DIR/munge/munge.key"
chmod 400 "$DIR/munge/munge.key"

{
  cat <<CONF
ClusterName=test
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=${PORTS[0]}
SlurmUser=$ME
SlurmdUser=$ME
AuthType=auth/munge
AuthInfo=socket=$DIR/run/munge.socket,cred_expire=$EXPIRE
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
SlurmctldDebug=info
SlurmdDebug=info
# neither cgroups nor systemd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$DIR/log/jobcomp.txt
MpiDefault=none
SwitchType=switch/none
# schedule at once; see a lost node soon (a requeued job waits out cred_expire)
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=$LOST
SlurmctldTimeout=10
InactiveLimit=0
KillWait=2
MinJobAge=3600
CompleteWait=0
JobRequeue=1
MailProg=/bin/true
${AGAIN:+RequeueExit=$AGAIN}
MaxArraySize=$MAXARRAY
MaxJobCount=20000
CONF
  [ "$GPUS" -gt 0 ] && echo "GresTypes=gpu"
  [ "$PREEMPT" = 1 ] && printf 'PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\n'
  gres=""; [ "$GPUS" -gt 0 ] && gres=" Gres=gpu:$GPUS"
  for i in $(seq 1 "$NODES"); do
    echo "NodeName=node$i NodeHostname=$HOST NodeAddr=127.0.0.1 Port=${PORTS[$i]} CPUs=$CPUS RealMemory=$MEM$gres State=UNKNOWN"
  done
  echo "PartitionName=main Nodes=node[1-$NODES] Default=YES MaxTime=INFINITE State=UP"
  if [ "$PREEMPT" = 1 ]; then
    echo "PartitionName=urgent Nodes=node[1-$NODES] MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF"
  fi
} >"$DIR/slurm.conf"
[ "$NODES" -gt 1 ] || sed -i 's/node\[1-1\]/node1/' "$DIR/slurm.conf"
if [ "$GPUS" -gt 0 ]; then # empty files stand for the devices
  mkdir -p "$DIR/dev"
  for i in $(seq 0 $((GPUS - 1))); do
    : >"$DIR/dev/gpu$i"
    echo "Name=gpu File=$DIR/dev/gpu$i"
  done >"$DIR/gres.conf"
fi
export SLURM_CONF="$DIR/slurm.conf"

# --- start ------------------------------------------------------------------
fail() {
  say "error: $*"
  for f in "$DIR"/log/*.out; do
    if grep -qiE 'error|fatal' "$f" 2>/dev/null; then
      say "--- $f"; grep -iE 'error|fatal' "$f" | tail -n 5 >&2
    fi
  done
  "$HERE/slurm-down.sh" --dir "$DIR" --quiet 9>&- || true
  exit 1
}
tick() { # WHAT: wait a little; give up when a daemon has died or time is up
  local pid start name
  while read -r pid start name; do
    alive "$pid" "$start" || fail "$name ended while waiting until $1"
  done <"$DIR/pids"
  [ $((($(date +%s%N) - T0) / 1000000000)) -lt "$LIMIT" ] || fail "not in $LIMIT s: $1"
  sleep 0.1
}
T0=$(date +%s%N)
launch munged munged --foreground --force \
  --socket="$DIR/run/munge.socket" --key-file="$DIR/munge/munge.key" \
  --pid-file="$DIR/munge/munged.pid" --log-file="$DIR/log/munged.log" \
  --seed-file="$DIR/munge/munged.seed"
until munge -n -S "$DIR/run/munge.socket" >/dev/null 2>&1; do tick "munged answers"; done
launch slurmctld slurmctld -D -i -f "$DIR/slurm.conf"
until timeout 5 scontrol ping 2>/dev/null | grep -q ' UP'; do tick "slurmctld answers"; done
# Newer SLURM starts a cgroup plugin even when nothing asks for one, and how it
# can be told not to differs by version: node1 goes first, as a trial.
WAYS=("" "CgroupPlugin=disabled" "CgroupPlugin=cgroup/v1" $'CgroupPlugin=cgroup/v2\nIgnoreSystemd=yes')
way=0
launch_node node1
until grep -q 'slurmd started' "$DIR/log/slurmd-node1.out" 2>/dev/null; do
  read -r pid start _ < <(tail -n 1 "$DIR/pids")
  if alive "$pid" "$start"; then sleep 0.05; continue; fi
  if [ "$way" -lt 3 ] && grep -qi cgroup "$DIR/log/slurmd-node1.out"; then
    way=$((way + 1))
    printf '%s\n' "${WAYS[$way]}" >"$DIR/cgroup.conf"
    sed -i '$d' "$DIR/pids"
    : >"$DIR/log/slurmd-node1.out"
    launch_node node1
  else
    fail "slurmd of node1 does not start"
  fi
done
for i in $(seq 2 "$NODES"); do launch_node "node$i"; done
until all_idle; do tick "every node is idle"; done
printf '%s' "$WANT" >"$DIR/want"
say "$(slurmctld -V | head -1): $NODES node(s) idle after $((($(date +%s%N) - T0) / 1000000)) ms, in $DIR"
emit
