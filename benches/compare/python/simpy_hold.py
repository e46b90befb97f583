#!/usr/bin/env python3
"""SimPy in the hold model of `hold`: bare callbacks, and a generator process for each pending event.

    simpy_hold.py PENDING [PENDING ...]
"""

import itertools
import math
import random
import sys
import time

from records import record

import simpy

TABLE = 1 << 15
MEAN = 1.0


def increments():
    generator = random.Random(7)
    drawn = [-math.log(1.0 - generator.random()) * MEAN for _ in range(TABLE)]
    return itertools.cycle(drawn).__next__


def callbacks(pending):
    """Timeouts whose callback makes the next timeout: the least that SimPy can do."""
    environment, draw = simpy.Environment(), increments()
    handled = [0]
    state = [[0, 0.0] for _ in range(pending)]

    def arm(entity):
        amount = draw()

        def due(_):
            own = state[entity]
            own[0] += 1
            own[1] += amount
            handled[0] += 1
            arm(entity)

        environment.timeout(amount).callbacks.append(due)

    for entity in range(pending):
        arm(entity)
    return environment, handled


def processes(pending):
    """A process for each, as its documentation shows."""
    environment, draw = simpy.Environment(), increments()
    handled = [0]

    def entity():
        count, total = 0, 0.0
        while True:
            amount = draw()
            yield environment.timeout(amount)
            count += 1
            total += amount
            handled[0] += 1

    for _ in range(pending):
        environment.process(entity())
    return environment, handled


def main():
    for pending in map(int, sys.argv[1:]):
        events = 200_000
        for who, form in (("SimPy 4, callbacks", callbacks), ("SimPy 4, processes", processes)):
            environment, handled = form(pending)
            slice_s = events / pending * MEAN
            environment.run(until=slice_s / 4)
            before, start = handled[0], time.thread_time()
            environment.run(until=slice_s * 5 / 4)
            elapsed = time.thread_time() - start
            record("hold", pending, who, elapsed * 1e9 / (handled[0] - before), "ns")


if __name__ == "__main__":
    main()
