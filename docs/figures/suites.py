"""Measure the instances of each standard suite, for docs/suites.md: `make suites-table`.

`suites.csv` holds, a line a suite, the median and the least over its instances of what `mincache instances
features` prints. Instances that the exact method does not prove in the time count with its best answer.
`suites-map.svg` shows all instances in the plane of their features' two principal components.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import altair as alt
import numpy as np

from mincache.analysis.features import features
from mincache.analysis.selection import Candidate, plane, standardised
from mincache.generation import suites
from mincache.site import drawing

FOLDER = Path(__file__).parent
DATA, MAP = FOLDER / "suites.csv", FOLDER / "suites-map.svg"
MEASURED = ("caching_worth", "bandwidth_worth", "steps_worth", "upload_share")
TIME_LIMIT_S = 5.0
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross")


def measured(name: str) -> list[Candidate]:
    """Return what characterises each instance of a suite; nan where something does not."""
    rows = [asdict(features(instance, TIME_LIMIT_S)) for instance in suites.find(name)]
    return [{"suite": name} | {k: float("nan") if v is None else v for k, v in row.items()} for row in rows]


def line(name: str, rows: Sequence[Candidate]) -> dict[str, str | float]:
    """Return the line of a suite."""
    found: dict[str, str | float] = {"suite": name}
    for field in MEASURED:
        values = [value for row in rows if not np.isnan(value := float(row[field]))]
        found[f"{field}_median"] = round(statistics.median(values), 6)
        found[f"{field}_least"] = round(min(values), 6)
    return found


def drawn(rows: Sequence[Candidate]) -> alt.Chart:
    """Return the map: a point an instance, each suite with its colour and shape."""
    points = standardised(rows)
    places = plane(points)
    shares = places.var(axis=0) / points.var(axis=0).sum()
    names = list(dict.fromkeys(row["suite"] for row in rows))
    shapes = [SHAPES[n % len(SHAPES)] for n in range(len(names))]
    data = [
        {"suite": row["suite"], "x": round(x, 3), "y": round(y, 3)}
        for row, (x, y) in zip(rows, places.tolist(), strict=True)
    ]
    axes = [
        f"{which} principal component ({share:.0%} of the variance)"
        for which, share in zip(("first", "second"), shares, strict=True)
    ]
    colour = alt.Color("suite:N", title=None, sort=None).scale(domain=names, scheme="tableau20")
    shape = alt.Shape("suite:N", title=None, sort=None).scale(domain=names, range=shapes)
    x, y = (
        channel(f"{name}:Q", title=title).axis(tickCount=8)
        for channel, name, title in zip((alt.X, alt.Y), "xy", axes, strict=True)
    )
    points_drawn = alt.Chart(alt.InlineData(data)).mark_point(filled=True, size=50, opacity=0.7, aria=False)
    return points_drawn.encode(x, y, colour, shape)


def main() -> None:
    """Write the table and the map anew."""
    found = {}
    for name in suites.standard_names():
        found[name] = measured(name)
        print(name, flush=True)
    columns = ["suite", *(f"{field}_{kind}" for field in MEASURED for kind in ("median", "least"))]
    with DATA.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(line(name, rows) for name, rows in found.items())
    chart = drawn([row for rows in found.values() for row in rows]).properties(width=560, height=400)
    drawing.write(chart.to_dict(), MAP)


if __name__ == "__main__":
    main()
