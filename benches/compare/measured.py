"""The numbers of a run: medians over turns, and ratios of what met the same load."""

import json
import statistics


class Measured:
    def __init__(self, path):
        self.run, self.values = {}, {}
        for line in path.read_text(encoding="utf-8").splitlines():
            read = json.loads(line)
            if read["bench"] == "run":
                self.run = read
            else:
                self.values.setdefault(read["bench"], {}).setdefault(read["case"], {}).setdefault(read["who"], []).append(read["value"])

    def cases(self, bench):
        """Sizes, in their order."""
        cases = self.values.get(bench, {})
        return sorted(cases, key=int) if all(case.isdigit() for case in cases) else list(cases)

    def names(self, bench):
        return list(dict.fromkeys(name for case in self.values.get(bench, {}).values() for name in case))

    def all(self, bench, case, who):
        return self.values.get(bench, {}).get(str(case), {}).get(who, [])

    def median(self, bench, case, who):
        found = self.all(bench, case, who)
        return statistics.median(found) if found else None

    def ratio(self, bench, case, above, below):
        """Median over the turns of one number over the other of the same turn."""
        pairs = list(zip(self.all(bench, case, above), self.all(bench, case, below)))
        return statistics.median(a / b for a, b in pairs) if pairs else None

    def cross(self, above, below):
        """The same of two that are not of one bench and case."""
        pairs = list(zip(self.all(*above), self.all(*below)))
        return statistics.median(a / b for a, b in pairs) if pairs else None


def shown(value):
    """Three digits, no more."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
