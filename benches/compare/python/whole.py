#!/usr/bin/env python3
"""Whole processes: seconds on the wall, the largest resident memory and the bytes that were written, one line of JSON each.

    whole.py BENCH CASE WHO [--written FOLDER] -- COMMAND ...
"""

import os
import shutil
import subprocess
import sys
import time

from records import record


def written(folder):
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


def main():
    split = sys.argv.index("--")
    bench, case, who, *options = sys.argv[1:split]
    folder = options[1] if options[:1] == ["--written"] else None
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    start = time.monotonic()
    process = subprocess.Popen(sys.argv[split + 1 :], stdout=subprocess.DEVNULL)
    # The kernel counts this script's own memory as the least, some 10 MiB.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"failed with {process.returncode}: {sys.argv[split + 1:]}")
    record(bench, case, who, time.monotonic() - start, "s")
    record(f"{bench} memory", case, who, usage.ru_maxrss / 1024, "MiB")
    if folder:
        record(f"{bench} written", case, who, written(folder) / 1e6, "MB")


if __name__ == "__main__":
    main()
