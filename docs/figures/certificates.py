"""Make and check certificates of every standard suite, for docs/decomposition.md: `make certificates-table`.

`certificates.csv` holds a line a suite: the median and the largest, over four instances from its first to its
last, of the seconds to make a certificate and to check it and of its size. Seconds are the processor's. With
names of suites, only these are measured again, and the lines of others stay.
"""

from __future__ import annotations

import csv
import gzip
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from mincache.certificate import certify, check
from mincache.exact.optimum import load_compiled
from mincache.files.documents import read_bytes
from mincache.generation import suites
from mincache.generation.suites import Suite

DATA = Path(__file__).parent / "certificates.csv"
MEASURED = 4
UNPROVEN = ("open-v2",)
"""Suites that the exact method does not close."""


def chosen(suite: Suite) -> list[str]:
    """Return the instances that are measured, from the first to the last."""
    names = list(suite.entries)
    return [names[i] for i in dict.fromkeys(np.linspace(0, len(names) - 1, MEASURED).round().astype(int))]


def measured(suite: Suite) -> dict[str, str | float]:
    """Return the line of a suite."""
    found: dict[str, list[float]] = {"make_s": [], "check_s": [], "packed_kb": []}
    for name in chosen(suite):
        data, start = read_bytes(suite.path(name)), time.process_time()
        certificate = certify(data)
        made = time.process_time()
        if check(data, certificate).bound is None:
            raise SystemExit(f"{name}: the certificate does not hold")
        found["make_s"].append(made - start)
        found["check_s"].append(time.process_time() - made)
        found["packed_kb"].append(len(gzip.compress(certificate)) / 1000.0)
        print(name, *(f"{field} {values[-1]:.3g}" for field, values in found.items()), flush=True)
    line: dict[str, str | float] = {"suite": suite.name}
    for field, values in found.items():
        line |= {
            field: float(f"{statistics.median(values):.3g}"),
            f"{field}_most": float(f"{max(values):.3g}"),
        }
    return line


def main() -> None:
    """Write the lines of the suites named, or of all."""
    lines: dict[str, dict[str, str | float]] = {}
    if DATA.exists():
        with DATA.open(newline="") as file:
            lines = {str(row["suite"]): dict(row) for row in csv.DictReader(file)}
    load_compiled()
    for name in sys.argv[1:] or [name for name in suites.standard_names() if name not in UNPROVEN]:
        lines[name] = measured(suites.find(name))
        with DATA.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(lines[name]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines[one] for one in sorted(lines))


if __name__ == "__main__":
    main()
