"""What the Python peers share: one thread, one line of JSON a number."""

import json
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import time


def record(bench, case, who, value, unit):
    print(json.dumps({"bench": bench, "case": str(case), "who": who, "value": value, "unit": unit}), flush=True)


def seconds_each(work, at_least=0.1):
    """Processor time of one call, the mean of as many as fit, after one that warms up."""
    work()
    calls, total = 0, 0.0
    while total < at_least:
        some = max(1, calls)
        start = time.thread_time()
        for _ in range(some):
            work()
        total += time.thread_time() - start
        calls += some
    return total / calls
