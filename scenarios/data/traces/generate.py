"""Writes invented requests in the format of the Azure LLM inference traces: a minute (azure-format-sample.csv) and an hour (azure-format-hour.csv).

Bursts: gaps are Gamma of shape 0.4 (coefficient of variation 1.6), 5 requests a second on average in the minute. In the hour there are 2 a second, and
30 % more at its first quarter than on average, 30 % less at its third. Lengths are lognormal with the proportions of a conversation service (medians 1,020
in, 129 out), scaled by 1/3 to keep the sample's total near 150,000 tokens.
"""

import datetime
import math
import pathlib
import random


def write(name, seed, length_s, mean_gap_s):
    """Requests for so many seconds; mean_gap_s says the mean gap (s) at an instant (s)."""
    draw = random.Random(seed)
    start = datetime.datetime(2024, 5, 1, 12, 0, 0)
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    seconds = 0.0
    while True:
        prompt = max(1, round(draw.lognormvariate(5.83, 0.75)))
        output = max(1, round(draw.lognormvariate(3.76, 0.6)))
        moment = start + datetime.timedelta(seconds=seconds)
        lines.append(f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}0,{prompt},{output}")
        seconds += draw.gammavariate(0.4, mean_gap_s(seconds) / 0.4)
        if seconds >= length_s:
            break
    pathlib.Path(__file__).with_name(name).write_text("\n".join(lines) + "\n")


write("azure-format-sample.csv", 20240501, 60.0, lambda _: 0.2)
write("azure-format-hour.csv", 20240502, 3600.0, lambda at: 0.5 / (1.0 + 0.3 * math.sin(2.0 * math.pi * at / 3600.0)))
