"""Writes azure-format-sample.csv: one minute of invented requests in the format of the Azure LLM inference traces.

Bursts: gaps are Gamma of shape 0.4 (coefficient of variation 1.6), 5 requests a second on average. Lengths are lognormal with the
proportions of a conversation service (medians 1,020 in, 129 out), scaled by 1/3 to keep the sample's total near 150,000 tokens.
"""

import datetime
import pathlib
import random

draw = random.Random(20240501)
start = datetime.datetime(2024, 5, 1, 12, 0, 0)
lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
seconds = 0.0
while True:
    prompt = max(1, round(draw.lognormvariate(5.83, 0.75)))
    output = max(1, round(draw.lognormvariate(3.76, 0.6)))
    moment = start + datetime.timedelta(seconds=seconds)
    lines.append(f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}0,{prompt},{output}")
    seconds += draw.gammavariate(0.4, 0.2 / 0.4)
    if seconds >= 60.0:
        break
pathlib.Path(__file__).with_name("azure-format-sample.csv").write_text("\n".join(lines) + "\n")
