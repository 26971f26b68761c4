"""Measure what the decisions are worth in each standard suite, for docs/suites.md: `make suites-table`.

`suites.csv` holds, a line a suite, the median and the least over its instances of what `mincache instances
features` prints. Instances that the exact method does not prove in the time count with its best answer.
"""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

from mincache.analysis.features import features
from mincache.generation import suites

DATA = Path(__file__).parent / "suites.csv"
MEASURED = ("caching_worth", "bandwidth_worth", "steps_worth", "upload_share")
TIME_LIMIT_S = 5.0


def measured(name: str) -> dict[str, str | float]:
    """Return the line of a suite."""
    rows = [features(instance, TIME_LIMIT_S) for instance in suites.find(name)]
    line: dict[str, str | float] = {"suite": name}
    for field in MEASURED:
        found = [value for row in rows if (value := getattr(row, field)) is not None]
        for kind, value in (("median", statistics.median(found)), ("least", min(found))):
            line[f"{field}_{kind}"] = round(value, 6)
    return line


def main() -> None:
    """Write the table anew."""
    columns = ["suite", *(f"{field}_{kind}" for field in MEASURED for kind in ("median", "least"))]
    with DATA.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for name in suites.standard_names():
            writer.writerow(measured(name))
            print(name)


if __name__ == "__main__":
    main()
