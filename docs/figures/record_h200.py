#!/usr/bin/env python3
"""Records NVIDIA GPUs under known loads: what scenarios/data/h200 holds, and how to record your own.

    pip install torch
    python docs/figures/record_h200.py pair   -o pair-1       # two GPUs, about 10 minutes
    python docs/figures/record_h200.py single -o single-2     # one GPU, or --gpus N each by itself
    python docs/figures/record_h200.py pair   -o try --scale 0.05 --limit 90    # a rehearsal

writes NAME.csv.gz (one row a GPU and sample) and NAME.json (facts, phases, tables). Both are explained in
scenarios/data/h200/README.md. Nothing on the device is set: clocks, power limits and modes stay as they are found.

Processes: one polls NVML and does nothing else (a thread a GPU; the calls into NVML release Python's lock); one a GPU
runs the loads; the main one collects and writes. The loads' processes meet before every phase, so a phase starts at the
same instant on every GPU. Work is enqueued at most 20 ms ahead, so a phase ends within 20 ms of its time. An
expert-parallel phase has a number of layers agreed before it starts, because every layer is a collective.

The energy counter moves about every 100 ms, so `energy_mj` of a phase is off by up to 0.1 s of its power. The tables'
joules are interpolated between the counter's steps instead, and their phases follow a warm-up with the same load.
"""
import argparse
import bisect
import csv
import ctypes
import gzip
import json
import multiprocessing
import multiprocessing.connection
import os
import random
import threading
import time
import traceback

D_MODEL, D_FF, EXPERTS, BF16 = 4096, 14336, 8, 2  # one MoE layer of Mixtral-8x7B's shape; bytes of a bf16
COLUMNS = (
    "t_s gpu power_mw power_avg_mw power_inst_mw energy_mj temp_c mem_temp_c sm_mhz mem_mhz util_gpu util_mem reasons "
    "pstate margin_c call_us mem_power_avg_mw mem_power_inst_mw module_power_inst_mw"
).split()


# ---- NVML ------------------------------------------------------------------------------------------------------------


class FieldValue(ctypes.Structure):
    """nvmlFieldValue_t. The value is a union; every field read here is an unsigned 32-bit number."""

    _fields_ = [("field", ctypes.c_uint), ("scope", ctypes.c_uint), ("timestamp", ctypes.c_longlong),
                ("latency_us", ctypes.c_longlong), ("type", ctypes.c_int), ("code", ctypes.c_int), ("value", ctypes.c_uint64)]


class Utilization(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


class Margin(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint), ("celsius", ctypes.c_int)]


class Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


POWER_AVERAGE, POWER_INSTANT, MEMORY_TEMPERATURE = 185, 186, 82
GPU, MODULE, MEMORY = 0, 1, 2  # scopes of the power fields


class Device:
    """One GPU as NVML shows it. Buffers are reused, so an instance belongs to one thread."""

    def __init__(self, index):
        self.nvml = ctypes.CDLL("libnvidia-ml.so.1")
        self.nvml.nvmlErrorString.restype = ctypes.c_char_p
        if code := self.nvml.nvmlInit_v2():
            raise RuntimeError(f"NVML does not start: {self.words(code)}; is the NVIDIA driver loaded?")
        self.index, self.handle = index, ctypes.c_void_p()
        if code := self.nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(self.handle)):
            raise RuntimeError(f"no GPU {index}: {self.words(code)}")
        wanted = [(POWER_AVERAGE, GPU), (POWER_INSTANT, GPU), (MEMORY_TEMPERATURE, 0), (POWER_AVERAGE, MEMORY),
                  (POWER_INSTANT, MEMORY), (POWER_INSTANT, MODULE)]
        self.values = (FieldValue * len(wanted))()
        for value, (field, scope) in zip(self.values, wanted):
            value.field, value.scope = field, scope

    def words(self, code):
        return self.nvml.nvmlErrorString(code).decode()

    def ask(self, function, into, *arguments):
        """Calls nvmlDevice<function>(device, arguments.., into): the code NVML answers."""
        return getattr(self.nvml, "nvmlDevice" + function)(self.handle, *arguments, ctypes.byref(into))

    def get(self, function, kind, *arguments):
        """A single number, or nothing where this driver does not give it."""
        into = kind()
        return "" if self.ask(function, into, *arguments) else into.value

    def energy_mj(self):
        return self.get("GetTotalEnergyConsumption", ctypes.c_ulonglong)

    def row(self):
        """One row of the recording. Energy is read first: it is the column whose instant matters most."""
        t, uint, started = time.time(), ctypes.c_uint, time.perf_counter()
        energy = self.energy_mj()
        self.nvml.nvmlDeviceGetFieldValues(self.handle, len(self.values), self.values)
        average, instant, memory_temp, memory_average, memory_instant, module = (
            "" if v.code else v.value & 0xFFFFFFFF for v in self.values)
        power = self.get("GetPowerUsage", uint)
        temp = self.get("GetTemperature", uint, 0)
        sm, memory = self.get("GetClockInfo", uint, 1), self.get("GetClockInfo", uint, 2)
        busy = Utilization()
        util = ("", "") if self.ask("GetUtilizationRates", busy) else (busy.gpu, busy.memory)
        reasons = self.get("GetCurrentClocksEventReasons", ctypes.c_ulonglong)
        pstate = self.get("GetPerformanceState", uint)
        margin = Margin(ctypes.sizeof(Margin) | 1 << 24, 0)
        left = "" if self.ask("GetMarginTemperature", margin) else margin.celsius
        micros = round((time.perf_counter() - started) * 1e6)
        return [f"{t:.4f}", self.index, power, average, instant, energy, temp, memory_temp, sm, memory, *util, reasons,
                pstate, left, micros, memory_average, memory_instant, module]

    def facts(self):
        """What does not change while recording. What the driver refuses reads '!' and the reason."""
        uint = ctypes.c_uint

        def fact(function, kinds, *arguments):
            into = [kind() for kind in kinds]
            code = getattr(self.nvml, "nvmlDevice" + function)(self.handle, *arguments, *map(ctypes.byref, into))
            if code:
                return f"!NVMLError_{'NotSupported' if code == 3 else code}: {self.words(code)}"
            return into[0].value if len(into) == 1 else [i.value for i in into]

        def clocks(function, *arguments):
            count, into = uint(1024), (uint * 1024)()
            code = getattr(self.nvml, "nvmlDevice" + function)(self.handle, *arguments, ctypes.byref(count), into)
            return [] if code else list(into[: count.value])

        name, memory = ctypes.create_string_buffer(96), Memory()
        self.nvml.nvmlDeviceGetName(self.handle, name, 96)
        self.ask("GetMemoryInfo", memory)
        memory_clocks = clocks("GetSupportedMemoryClocks")
        graphics = clocks("GetSupportedGraphicsClocks", uint(memory_clocks[0])) if memory_clocks else []
        limits = (FieldValue * 11)()
        for value, field in zip(limits, range(187, 198)):
            value.field = field
        self.nvml.nvmlDeviceGetFieldValues(self.handle, len(limits), limits)
        threshold = {n: fact("GetTemperatureThreshold", [uint], i) for i, n in enumerate(
            "thr_shutdown thr_slowdown thr_mem_max thr_gpu_max thr_ac_min thr_ac_curr thr_ac_max thr_gps".split())}
        links = [fact("GetNvLinkState", [uint], link) for link in range(18)]
        return {
            "name": name.value.decode(),
            "power_limit_mw": fact("GetPowerManagementLimit", [uint]),
            "power_default_mw": fact("GetPowerManagementDefaultLimit", [uint]),
            "power_range_mw": fact("GetPowerManagementLimitConstraints", [uint, uint]),
            "enforced_mw": fact("GetEnforcedPowerLimit", [uint]),
            **threshold,
            "max_sm": fact("GetMaxClockInfo", [uint], 1),
            "max_mem": fact("GetMaxClockInfo", [uint], 2),
            "mem_clocks": memory_clocks,
            "gfx_clocks": [graphics[0], graphics[-1], len(graphics)] if graphics else [],
            "mem_info": memory.total,
            "ecc": fact("GetEccMode", [uint, uint]),
            "mig": fact("GetMigMode", [uint, uint]),
            "fans": fact("GetNumFans", [uint]),
            "persistence": fact("GetPersistenceMode", [uint]),
            "nvlinks": links[0] if isinstance(links[0], str) else sum(l == 1 for l in links),
            "module_power_limit": [[v.field, v.code, v.value & 0xFFFFFFFF] for v in limits],
        }


def facts(count):
    devices = [Device(i) for i in range(count)]
    driver, nvml = ctypes.create_string_buffer(96), ctypes.create_string_buffer(96)
    devices[0].nvml.nvmlSystemGetDriverVersion(driver, 96)
    devices[0].nvml.nvmlSystemGetNVMLVersion(nvml, 96)
    return {"driver": driver.value.decode(), "nvml": nvml.value.decode(), "gpus": [d.facts() for d in devices]}


def record(path, count, period, stop):
    """Polls every GPU each `period` (s) until `stop`, then writes the rows in order of time."""
    def poll(device):
        due = time.monotonic()
        while not stop.is_set():
            rows.append(device.row())
            due = max(due + period, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))

    rows = []
    threads = [threading.Thread(target=poll, args=(Device(i),)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows.sort(key=lambda row: (row[0], row[1]))
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write("".join(",".join(map(str, row)) + "\n" for row in [COLUMNS, *rows]).encode())


# ---- Loads -----------------------------------------------------------------------------------------------------------


class Load:
    """Work that repeats. `step` enqueues it once; `secs` is what it takes once warm; `flops` and `bytes` are what it must do."""

    def __init__(self, step, flops, moved):
        self.step, self.flops, self.bytes = step, flops, moved
        self.secs = clock(step, 3)
        self.secs = clock(step, max(3, int(0.05 / self.secs)))


def clock(step, count):
    """Seconds a step, over `count` of them."""
    torch.cuda.synchronize()
    started = time.monotonic()
    enqueue(step, count, max(1, count // 8))
    torch.cuda.synchronize()
    return (time.monotonic() - started) / count


def enqueue(step, count, chunk, until=None, marks=None):
    """Enqueues `count` steps, or as many as fit before the instant `until`, at most two chunks ahead of the GPU."""
    done, before = 0, None
    while done < (count or done + 1) and (until is None or time.monotonic() < until):
        size = min(chunk, count - done) if count else chunk
        for _ in range(size):
            step()
        event = torch.cuda.Event()
        event.record()
        if before is not None:
            before[0].synchronize()
            if marks is not None:
                marks.append((time.time(), before[1]))
        done += size
        before = event, done
    return done


class Graph:
    """What `step` enqueues, captured, so that launching it costs the CPU one call.

    It holds on to `step`: a captured graph knows addresses only, and what lies there must stay allocated.
    """

    def __init__(self, step):
        self.step, self.captured = step, torch.cuda.CUDAGraph()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        with torch.cuda.graph(self.captured, capture_error_mode="thread_local"):  # NCCL's watchdog asks CUDA meanwhile
            step()
        torch.cuda.synchronize()

    def __call__(self):
        self.captured.replay()


def run_experts(x, y, weights):
    """SwiGLU experts over equal shares of the rows of x (tokens, D_MODEL), into y: no gate, no permutation, no weighting."""
    n = len(x) // len(weights)
    for i, (gate, up, down) in enumerate(weights):
        rows = x[i * n : (i + 1) * n]
        hidden = torch.nn.functional.silu(rows @ gate.t(), inplace=True).mul_(rows @ up.t())
        torch.mm(hidden, down.t(), out=y[i * n : (i + 1) * n])


def random_matrix(*shape, scale=1.0):
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16) * scale


def random_weights():
    """The same on every GPU, so that a result from another GPU can be checked here."""
    torch.manual_seed(1)
    shapes = (D_FF, D_MODEL), (D_FF, D_MODEL), (D_MODEL, D_FF)
    return [[random_matrix(*s, scale=s[1] ** -0.5) for s in shapes] for _ in range(EXPERTS)]


def product(n, dtype):
    """A square matrix product on random data, bf16 or fp8 (e4m3, scales of 1, bf16 out)."""
    a, b, out = random_matrix(n, n), random_matrix(n, n), random_matrix(n, n)
    if dtype == "bf16":
        return Load(lambda: torch.mm(a, b, out=out), 2 * n**3, 3 * n * n * BF16)
    one = torch.ones((), device="cuda")
    a, b = a.to(torch.float8_e4m3fn), b.to(torch.float8_e4m3fn).t()
    return Load(lambda: torch._scaled_mm(a, b, scale_a=one, scale_b=one, out_dtype=torch.bfloat16), 2 * n**3, n * n * (2 + BF16))


def copying(size=2 << 30):
    source = torch.randint(-128, 127, (size,), device="cuda", dtype=torch.int8)
    target = torch.empty_like(source)
    return Load(lambda: target.copy_(source), 0, 2 * size)


def moe(weights, tokens):
    """One MoE layer on one GPU: `tokens` to every expert."""
    x, y = random_matrix(tokens * EXPERTS, D_MODEL), random_matrix(tokens * EXPERTS, D_MODEL)
    moved = EXPERTS * 3 * D_MODEL * D_FF * BF16 + 2 * tokens * EXPERTS * D_MODEL * BF16
    return Load(Graph(lambda: run_experts(x, y, weights)), 6 * tokens * EXPERTS * D_MODEL * D_FF, moved)


class ExpertParallel:
    """One MoE layer over the GPUs, EXPERTS / GPUs on each: dispatch all-to-all, experts, combine all-to-all.

    `tokens`: expert-tokens each GPU computes. Every GPU is home to an equal part of all of them and sends the same
    share of its part to each GPU. Waiting for a slower GPU happens inside NCCL's kernels, which spin.
    """

    def __init__(self, gpu, weights, tokens):
        mine, world, me = tokens[gpu.rank], gpu.world, gpu.rank
        out_of, into = [t // world for t in tokens], [mine // world] * world
        torch.manual_seed(100 + me)
        home, back = random_matrix(sum(out_of), D_MODEL), random_matrix(sum(out_of), D_MODEL)
        here, done = random_matrix(mine, D_MODEL), random_matrix(mine, D_MODEL)
        weights = weights[: EXPERTS // world]

        def dispatch():
            distributed.all_to_all_single(here, home, into, out_of)

        def compute():
            run_experts(here, done, weights)

        def combine():
            distributed.all_to_all_single(back, done, out_of, into)

        self.experts = Graph(compute)
        self.exchange = Graph(lambda: (dispatch(), combine()))
        self.layer = Graph(lambda: (dispatch(), compute(), combine()))
        self.layer()
        torch.cuda.synchronize()
        if me == 0:  # the first expert of each GPU answers GPU 0's tokens with its own weights, equal on every GPU
            for g, start in enumerate([0, out_of[0]][:world]):
                rows = slice(start, start + tokens[g] // len(weights))
                expected = torch.empty_like(home[rows])
                run_experts(home[rows], expected, weights[:1])
                error = ((back[rows] - expected).float().norm() / expected.float().norm()).item()
                if not error < 1e-2:
                    raise RuntimeError(f"expert-parallel layer {tokens}: GPU {g} answered with relative error {error}")


# ---- Phases ----------------------------------------------------------------------------------------------------------


class Gpu:
    """The process that loads one GPU. What it sends through `pipe` is one phase, or a table's entry, a message."""

    def __init__(self, rank, world, options, barrier, shared, pipe):
        self.rank, self.world, self.options, self.barrier, self.shared, self.pipe = rank, world, options, barrier, shared, pipe
        self.device = Device(rank)
        if self.device.energy_mj() == "":
            raise RuntimeError(f"GPU {rank} has no energy counter (Volta and newer have one): nothing here works without it")
        torch.cuda.set_device(rank)
        if world > 1:
            distributed.init_process_group("nccl", init_method=f"tcp://127.0.0.1:{options.port}", rank=rank,
                                           world_size=world, device_id=torch.device("cuda", rank))

    def agree(self, value=0.0, how=max):
        """Meets the other processes; every one gets how(values of all)."""
        self.barrier.wait(120)
        self.shared[self.rank] = value
        self.barrier.wait(120)
        return how(self.shared[:])

    def phase(self, name, work, duty=1.0, **more):
        """Runs `work`, which returns its iterations, between two readings of the energy counter."""
        torch.cuda.synchronize()
        self.agree()
        energy, t0 = self.device.energy_mj(), time.time()
        iters = work()
        torch.cuda.synchronize()
        t1 = time.time()
        self.pipe.send({"name": name, "t0": t0, "t1": t1, "duty": duty, "iters": iters,
                        "energy_mj": self.device.energy_mj() - energy, **more})

    def idle(self, name, seconds):
        self.phase(name, lambda: time.sleep(seconds * self.options.scale) or 0)

    def full(self, load, seconds, marks=None):
        chunk = max(1, int(0.01 / load.secs))
        return enqueue(load.step, None, chunk, time.monotonic() + seconds * self.options.scale, marks)

    def cycled(self, load, seconds, duty, period):
        """Works `duty` of every `period` (s), to the nearest whole step but at least one."""
        due, iters = time.monotonic(), 0
        end = due + seconds * self.options.scale
        while due < end:
            rest = due + duty * period - load.secs / 2
            while True:
                load.step()
                torch.cuda.synchronize()
                iters += 1
                if time.monotonic() >= rest:
                    break
            due = max(due + period, time.monotonic())
            while (left := due - time.monotonic()) > 0:
                time.sleep(max(0.0, left - 3e-4))
        return iters

    def counted(self, step, seconds):
        """Collective steps for about `seconds`: their number, agreed; and what one takes (s)."""
        once = self.agree(clock(step, 5))
        count = max(2, int(seconds * self.options.scale / once))
        self.agree()
        return count, clock(step, count)


def expert_parallel(gpu, weights, total, share, hold=12, warm=3):
    """Warms up with each part alone and then the layer, then holds the layer."""
    first = round(total * share / 8) * 8  # whole tokens for every expert from every home
    tokens = [first, total - first]
    layer = ExpertParallel(gpu, weights, tokens)
    _, exchange = gpu.counted(layer.exchange, 0.5)
    experts = clock(layer.experts, 5)
    experts = clock(layer.experts, max(5, int(0.8 * gpu.options.scale / experts)))
    _, once = gpu.counted(layer.layer, warm - 1.3)
    count = max(2, int(hold * gpu.options.scale / gpu.agree(once)))
    chunk = max(1, int(0.01 / once))
    gpu.phase("ep-" + "-".join(map(str, tokens)), lambda: enqueue(layer.layer, count, chunk), tokens=tokens[gpu.rank],
              experts_us=experts * 1e6, all_to_all_us=exchange * 1e6)


def all_to_all(gpu, tokens, seconds):
    """One all-to-all alone; half of `tokens` rows at home on each of two GPUs, half of those cross."""
    home, here = random_matrix(tokens // 2, D_MODEL), random_matrix(tokens // 2, D_MODEL)
    step = Graph(lambda: distributed.all_to_all_single(here, home))
    _, once = gpu.counted(step, 0.5)
    count = int(seconds * gpu.options.scale / gpu.agree(once))
    gpu.phase(f"all-to-all-{tokens}", lambda: enqueue(step, count, max(1, count // 200)),
              crossing_bytes=tokens // 4 * D_MODEL * BF16)


def moe_table(gpu, layers, seconds=5):
    for tokens, load in layers.items():
        gpu.full(load, 1)
        gpu.phase(f"moe-n{tokens}", lambda: gpu.full(load, seconds), tokens_per_expert=tokens)


def random_holds(gpu, loads, until):
    """Random loads, each GPU its own, for 3 to 20 s; the same draw in every process, each plays its GPU's part."""
    draw, number = random.Random(gpu.options.seed), 0
    while True:
        seconds = round(draw.uniform(3, 20), 1)
        parts = []
        for _ in range(gpu.world):
            name, period = draw.choice(["idle", "idle", *loads]), draw.choice([0.010, 0.011, 0.012])
            parts.append((name, draw.choice([0.3, 0.5, 0.7, 1.0, 1.0]), period))
        left = gpu.agree(until - time.monotonic(), min)
        if left < 3 * gpu.options.scale:
            return
        seconds = min(seconds, left / gpu.options.scale)
        name, duty, period = parts[gpu.rank]
        if name == "idle":
            work, duty = (lambda: time.sleep(seconds * gpu.options.scale) or 0), 0
        elif duty == 1.0 or loads[name].secs > 0.3 * period:  # a long step cannot keep a short duty
            work, duty = (lambda: gpu.full(loads[name], seconds)), 1.0
        else:
            work = lambda: gpu.cycled(loads[name], seconds, duty, period)
        gpu.phase(f"hold{number}", work, duty, load=name, period_s=period if 0 < duty < 1 else 0)
        number += 1


def rates(gpu, name, load, seconds):
    """A product from rest: its rate before the power cap acts and at the cap."""
    gpu.idle(f"rest-{name}", 8)
    marks = []
    gpu.phase(f"rate-{name}", lambda: gpu.full(load, seconds, marks))
    middle = (marks[0][0] + marks[-1][0]) / 2
    burst = [m for m in marks if m[0] <= marks[0][0] + 0.1] or marks
    for window, part in (("first 0.1 s", burst), ("second half", [m for m in marks if m[0] >= middle])):
        (t0, a), (t1, b) = part[0], part[-1]
        secs = max(t1 - t0, 1e-9)
        gpu.pipe.send({"table": "rates", "kernel": name, "window": window, "t0": t0, "t1": t1, "secs": secs, "iters": b - a,
                       "tflops": (b - a) * load.flops / secs * 1e-12})


def build_loads(gpu, sizes):
    weights = random_weights()
    layers = {n: moe(weights, n) for n in sizes}
    loads = {"gemm": product(8192, "bf16"), "copy": copying(), **{f"moe-n{n}": layer for n, layer in layers.items() if n <= 1024}}
    gpu.pipe.send({"table": "loads", **{n: {"flops": l.flops, "bytes": l.bytes, "secs": l.secs} for n, l in loads.items()}})
    return weights, layers, loads


def pair(gpu):
    weights, layers, loads = build_loads(gpu, [1, 4, 16, 64, 256, 1024, 4096])
    gpu.idle("idle0", 15)
    gpu.phase("gemm", lambda: gpu.full(loads["gemm"], 40))
    gpu.idle("idle1", 20)
    gpu.phase("copy", lambda: gpu.full(loads["copy"], 20))
    gpu.idle("idle2", 15)
    for tokens in (64, 2048, 8192, 32768):
        all_to_all(gpu, tokens, 3)
    for each in (256, 1024, 4096):
        for share in (0.5, 0.6, 0.7, 0.8, 0.9):
            expert_parallel(gpu, weights, EXPERTS * each, share)
    moe_table(gpu, layers)
    gpu.idle("idle3", 10)
    random_holds(gpu, loads, gpu.options.end - 10 * gpu.options.scale)
    gpu.idle("idle4", 10)


def single(gpu):
    weights, layers, loads = build_loads(gpu, [1, 4, 16, 64, 256, 1024, 4096])
    gpu.idle("idle0", 15)
    gpu.phase("gemm", lambda: gpu.full(loads["gemm"], 75))
    gpu.idle("idle1", 45)
    gpu.phase("copy", lambda: gpu.full(loads["copy"], 40))
    gpu.idle("idle2", 30)
    rates(gpu, "bf16-8192", loads["gemm"], 8)
    rates(gpu, "fp8-8192", product(8192, "fp8"), 8)
    moe_table(gpu, layers)
    gpu.idle("idle3", 10)
    random_holds(gpu, loads, gpu.options.end - 10 * gpu.options.scale)
    gpu.idle("idle4", 10)


PLANS = {"pair": pair, "single": single}


def load_gpu(rank, world, options, barrier, shared, pipe):
    global torch, distributed  # only the loads need them
    import torch
    import torch.distributed as distributed

    try:
        PLANS[options.plan](Gpu(rank, world, options, barrier, shared, pipe))
    except BaseException:
        pipe.send(traceback.format_exc())
        barrier.abort()
    pipe.close()
    os._exit(0)  # captured graphs that hold NCCL's kernels can block an orderly end


# ---- Collecting ------------------------------------------------------------------------------------------------------


def collect(pipes, deadline):
    """What every loading process sent, in order, until all are done or failed or the time is up."""
    sent, alive = [[] for _ in pipes], dict(zip(pipes, range(len(pipes))))
    while alive:
        ready = multiprocessing.connection.wait(list(alive), max(0.0, deadline - time.monotonic()))
        if not ready:
            print("time is up: what is recorded so far is written")
            return sent
        for pipe in ready:
            try:
                message = pipe.recv()
            except EOFError:
                del alive[pipe]
                continue
            if isinstance(message, str):
                print(f"GPU {alive[pipe]} failed:\n{message}", flush=True)
                deadline = min(deadline, time.monotonic() + 3)  # the others may be stuck in a collective
                continue
            sent[alive[pipe]].append(message)
            if alive[pipe] == 0 and "t1" in message:
                print(f"{message.get('name', message.get('kernel'))}: {message['t1'] - message['t0']:.2f} s", flush=True)
    return sent


def summarise(sent, rows):
    """Phases with a list an entry for the GPUs, and the tables."""
    def mhz(gpu, t0, t1):
        seen = [int(r["sm_mhz"]) for r in rows if int(r["gpu"]) == gpu and t0 <= float(r["t_s"]) <= t1 and r["sm_mhz"]]
        return round(sum(seen) / len(seen), 1) if seen else None

    steps = [[] for _ in sent]  # (instant, joules) at which each GPU's counter moved
    for row in rows:
        seen = steps[int(row["gpu"])]
        if row["energy_mj"] and (not seen or int(row["energy_mj"]) * 1e-3 != seen[-1][1]):
            seen.append((float(row["t_s"]), int(row["energy_mj"]) * 1e-3))

    def energy(gpu, t):
        i = min(max(bisect.bisect(steps[gpu], (t,)), 1), len(steps[gpu]) - 1)
        (t0, e0), (t1, e1) = steps[gpu][i - 1 : i + 1]
        return e0 + (e1 - e0) * (t - t0) / (t1 - t0)

    out = {"phases": [], "moe": []}
    tables = [[m for m in s if "table" in m] for s in sent]
    for gpu, entries in enumerate(tables):
        for entry in entries:
            entry["gpu"] = gpu
            if "t0" in entry:
                entry["sm_mhz_mean"] = mhz(gpu, entry["t0"], entry["t1"])
            out.setdefault(entry.pop("table"), []).append(entry)
    for parts in zip(*[[m for m in s if "name" in m] for s in sent]):
        t0, t1 = min(p["t0"] for p in parts), max(p["t1"] for p in parts)
        phase = {"name": parts[0]["name"], "t0": t0, "t1": t1, **{
            k: [p[k] for p in parts] for k in parts[0] if k not in ("name", "t0", "t1")}}
        joules = [round(energy(g, t1) - energy(g, t0), 3) for g in range(len(parts))]
        secs, iters = t1 - t0, phase["iters"][0]
        each_us, each_joules = secs / max(iters, 1) * 1e6, sum(joules) / max(iters, 1)
        clocks = [mhz(g, t0, t1) for g in range(len(parts))]
        if "crossing_bytes" in phase:
            out.setdefault("all_to_all", []).append({
                "bytes_each_way": phase["crossing_bytes"][0], "secs": secs, "calls": iters, "us": each_us, "joules": joules,
                "joules_per_call": each_joules, "sm_mhz_mean": clocks})
        if "experts_us" in phase:
            phase |= {"secs": secs, "us_per_layer": each_us, "joules_per_layer": each_joules}
            out.setdefault("expert_parallel", []).append({
                "tokens": phase["tokens"], "experts_per_gpu": EXPERTS // len(parts), "secs": secs, "layers": iters,
                "joules": joules, "us_per_layer": each_us, "joules_per_layer": each_joules, "sm_mhz_mean": clocks,
                "all_to_all_us": max(phase["all_to_all_us"]), "experts_us": phase["experts_us"]})
        for gpu, part in enumerate(parts):
            if n := part.get("tokens_per_expert"):
                count, took = part["iters"] * n * EXPERTS, part["t1"] - part["t0"]
                out["moe"].append({"gpu": gpu, "tokens_per_expert": n, "experts": EXPERTS, "expert_tokens": count, "secs": took,
                                   "joules": joules[gpu], "j_per_expert_token": joules[gpu] / count,
                                   "us_per_layer": took / part["iters"] * 1e6, "sm_mhz_mean": mhz(gpu, part["t0"], part["t1"])})
        out["phases"].append(phase)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", choices=PLANS, help="pair: also one layer over two GPUs; single: every GPU by itself")
    parser.add_argument("-o", "--output", required=True, metavar="NAME", help="writes NAME.csv.gz and NAME.json")
    parser.add_argument("--gpus", type=int, default=1, help="of the plan single (default %(default)s)")
    parser.add_argument("--limit", type=float, default=570,
                        help="seconds in all; random holds fill what the plan leaves (default %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on every duration, for a rehearsal")
    parser.add_argument("--period", type=float, help="seconds between rows (default 0.025 for two GPUs, 0.020 for one)")
    parser.add_argument("--seed", type=int, default=1, help="of the random holds (default %(default)s)")
    parser.add_argument("--port", type=int, default=29511, help="local port where the processes meet (default %(default)s)")
    options = parser.parse_args()
    started = time.monotonic()
    world = 2 if options.plan == "pair" else options.gpus
    period = options.period or (0.020 if world == 1 else 0.025)
    os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # NVML's order
    for name, value in ("NCCL_NVLS_ENABLE", "0"), ("TORCH_SYMM_MEM_DISABLE_MULTICAST", "1"), ("NVSHMEM_DISABLE_NVLS", "1"):
        os.environ.setdefault(name, value)  # no NVLink multicast: what is measured is plain peer-to-peer
    fixed = facts(world)
    context = multiprocessing.get_context("spawn")
    stop, barrier, shared = context.Event(), context.Barrier(world), context.Array("d", world)
    recorder = context.Process(target=record, args=(options.output + ".csv.gz", world, period, stop))
    recorder.start()
    time.sleep(5 * options.scale)  # bare idle, before any context
    options.end = started + options.limit  # the monotonic clock is one for all processes
    processes, pipes = [], []
    for rank in range(world):
        receive, send = context.Pipe(duplex=False)
        processes.append(context.Process(target=load_gpu, args=(rank, world, options, barrier, shared, send)))
        pipes.append(receive)
        processes[-1].start()
        send.close()
    try:
        sent = collect(pipes, options.end + 12)
    finally:
        for process in processes:
            process.join(5)
            process.kill()
        stop.set()
        recorder.join()
    with gzip.open(options.output + ".csv.gz", "rt") as file:
        out = {"facts": fixed, **summarise(sent, list(csv.DictReader(file)))}
    with open(options.output + ".json", "w") as file:
        json.dump(out, file, indent=1)
    print(f"{time.monotonic() - started:.0f} s in all; {len(out['phases'])} phases")
    for name in ("rates", "all_to_all", "expert_parallel", "moe"):
        for entry in out.get(name, []):
            print(name, json.dumps({k: v for k, v in entry.items() if k not in ("t0", "t1")}))


if __name__ == "__main__":
    main()
