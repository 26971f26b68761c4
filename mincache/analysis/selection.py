"""Choosing a suite among candidates, as MIPLIB 2017 was chosen (doi:10.1007/s12532-020-00194-3).

Features of all candidates are standardised and divided into clusters; then an integer program takes n
candidates, one of a cluster at most, under limits on how many of each kind there may, or must, be.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from mincache.analysis.features import features
from mincache.errors import InputError, did_you_mean, excerpt
from mincache.files.documents import write_bytes
from mincache.generation.recipes import Reference
from mincache.generation.streams import generator
from mincache.generation.suites import Suite
from mincache.problem.evaluation import evaluate
from mincache.problem.quantity import Array
from mincache.solving import registry
from mincache.solving.contract import Run, answer

Candidate = Mapping[str, str | float]
"""What was measured of a candidate, by column: its name, its SHA-256, features, whether the optimum is proven
(1 or 0), and the gaps of the quick solvers."""

_LOGARITHMIC = (
    "slots", "users", "models", "storage_tightness", "steps_tightness", "backhaul_s", "backhaul_ratio",
    "frame_slots",
)  # fmt: skip
_PLAIN = (
    "upload_share", "gini", "concentration", "repeat_share", "channel_spread_db", "preference_weight",
    "steps_floor",
)  # fmt: skip
_SHARES = ("caching_worth", "bandwidth_worth", "steps_worth", "loading_s_per_gb")
_LEAST_SHARE = 1e-3  # below it, shares and gaps are as good as 0
_MOST_DEVIATIONS = 3.0
_TEXT = ("name", "sha256", "note")
_LIMIT = re.compile(r"([\w-]+)([<>])(-?[0-9.e-]+)=([0-9]{1,6})", re.ASCII)
_NOISE = 1e-3
"""What the seed decides: among candidates that are as typical of their cluster as one another."""


@dataclass(frozen=True)
class Limit:
    """How many of the instances may, or must, have a column below (else above) a value: `gini>0.5=4`."""

    column: str
    below: bool
    value: float
    count: int
    text: str

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read a limit such as `gini>0.5=4`."""
        match = _LIMIT.fullmatch(text.replace(" ", ""))
        try:
            return cls(match[1], match[2] == "<", float(match[3]), int(match[4]), match[0])  # type: ignore[index]
        except (TypeError, ValueError):
            raise InputError("limit", "must be written as gini>0.5=4", excerpt(text)) from None

    def holds(self, rows: Sequence[Candidate]) -> Array:
        """Return which rows count, bool [K]."""
        known = [column for column in rows[0] if column not in _TEXT]
        if self.column not in known:
            rule, advice = f"must name one of {', '.join(known)}", did_you_mean(self.column, known, "")
            raise InputError("limit", rule, excerpt(self.column), advice)
        values = _column(rows, self.column)
        return values < self.value if self.below else values > self.value


@dataclass(frozen=True)
class Choice:
    """Indices of the candidates chosen, the cluster of each candidate [K], and its place [K, 2]: `plane`."""

    chosen: tuple[int, ...]
    cluster: Array
    plane: Array


def measure(
    suites: Sequence[Suite], file: Path, solvers: Sequence[str], time_limit_s: float = 10.0, workers: int = 1
) -> Iterator[int]:
    """Measure the instances of suites that the CSV file lacks, and add their rows; yield how many are done.

    `solvers` are quick ones, as on the command line, whose gaps to the best known cost are measured too. The
    time limit is of each of them, and of each search for an optimum.
    """
    hashes: dict[str, str] = {}
    for entry in (entry for one in suites for entry in one.entries.values()):
        if hashes.setdefault(entry.name, entry.sha256) != entry.sha256:
            advice = "draw one of the suites again, with another --name"
            raise InputError("candidates", "must have different names", f"{entry.name!r} twice", advice)
    measured = _whole_rows(file) if file.exists() else []
    for solver in solvers if measured else ():
        _column(measured, solver)
    known = {row["sha256"] for row in measured}
    entries = [(str(one.folder), entry) for one in suites for entry in one.entries.values()]
    jobs = [
        (folder, entry.name, entry.sha256, tuple(solvers), time_limit_s)
        for folder, entry in entries
        if entry.sha256 not in known
    ]
    done = len(entries) - len(jobs)
    yield done
    with file.open("a+", newline="") as stream:
        stream.seek(0)
        header = next(csv.reader(stream), [])
        for row in _mapped(jobs, workers):
            writer = csv.DictWriter(stream, header or list(row), lineterminator="\n")
            if odd := sorted(set(writer.fieldnames) ^ set(row)):
                advice = "give the solvers that it was measured with, or choose another file"
                rule = "must have the columns that are measured"
                raise InputError(str(file), rule, f"a difference in {', '.join(odd)}", advice)
            if not header:
                header = list(row)
                writer.writeheader()
            writer.writerow(row)
            stream.flush()
            yield (done := done + 1)


_Job = tuple[str, str, str, tuple[str, ...], float]


def _mapped(jobs: Sequence[_Job], workers: int) -> Iterator[Candidate]:
    if workers == 1 or len(jobs) < workers:
        yield from map(_measured, jobs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_measured, jobs, chunksize=4)


def _measured(job: _Job) -> Candidate:
    folder, name, sha256, solvers, time_limit_s = job
    instance = _suite(folder).place(name).instance()
    found = asdict(features(instance, time_limit_s))
    del found["instance"]
    costs = {}
    for solver in solvers:
        run = Run.seeded(0, time_limit_s)
        scored = evaluate(instance, answer(solver, registry.make(solver), instance, run))
        costs[solver] = scored.cost if scored.feasible else math.inf
    exact = math.inf if found["best_cost"] is None else found["best_cost"]
    found["best_cost"] = best = min([exact, *costs.values()])
    known = Reference(best, found["lower_bound"])
    row = {"name": name, "sha256": sha256} | found | {"proven": int(known.proven)}
    row |= {solver: known.gap(cost) for solver, cost in costs.items()}
    return {column: f"{v:.5g}" if isinstance(v, float) else v for column, v in row.items()}


@lru_cache(maxsize=64)
def _suite(folder: str) -> Suite:
    return Suite(folder)


def _whole_rows(file: Path) -> list[Candidate]:
    """Return the rows of a file, less the last one if an interruption cut it: that one leaves the file."""
    rows, data = read_rows(file), file.read_bytes()
    if data and not data.endswith(b"\n"):
        write_bytes(file, data[: data.rfind(b"\n") + 1])
        return read_rows(file)
    return rows


def read_rows(file: Path) -> list[Candidate]:
    """Return the rows of a file that `measure` has written; any other file is refused."""
    try:
        with file.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        if rows and not {"name", "sha256"} <= rows[0].keys():
            raise TypeError
        return [{c: v if c in _TEXT else float(v or "nan") for c, v in row.items()} for row in rows]
    except (TypeError, ValueError, csv.Error):
        raise InputError(str(file), "must hold measured candidates", "another file") from None


def _column(rows: Sequence[Candidate], column: str) -> Array:
    if column not in rows[0]:
        rule, received = f"must have a column {column}", "a file without it"
        raise InputError("measured", rule, received, "choose another file")
    return np.array([float(row[column]) for row in rows])


def standardised(rows: Sequence[Candidate], solvers: Sequence[str] = ()) -> Array:
    """Return features as deviations from the mean, [K, F]; what is not known counts as the mean."""
    columns = [_column(rows, one) for one in _PLAIN]
    columns += [np.log(_column(rows, one)) for one in _LOGARITHMIC]
    columns += [np.log(np.maximum(_column(rows, one), 0.0) + _LEAST_SHARE) for one in (*_SHARES, *solvers)]
    found = np.stack(columns, axis=1)
    known = np.where(np.isfinite(found), found, np.nan)  # a solver without an answer has an infinite gap
    known[0] = np.where(np.isnan(known).all(axis=0), 0.0, known[0])
    spread = np.nanstd(known, axis=0)
    deviations = (found - np.nanmean(known, axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return np.asarray(np.clip(np.nan_to_num(deviations), -_MOST_DEVIATIONS, _MOST_DEVIATIONS))


def plane(points: Array) -> Array:
    """Return where points [K, F] lie along their two principal components, [K, 2]."""
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(axes[np.arange(2), np.abs(axes[:2]).argmax(axis=1)])  # else the sign is an accident
    return np.asarray(centred @ (axes[:2] * signs[:, None]).T)


def select(
    rows: Sequence[Candidate], count: int, clusters: int, seed: int, solvers: Sequence[str] = (),
    at_most: Iterable[Limit] = (), at_least: Iterable[Limit] = (),
) -> Choice:  # fmt: skip
    """Choose instances among candidates, those that are most typical of their clusters.

    Candidates are divided into so many clusters by Ward's method; the seed decides among alike ones, and
    `solvers` are the quick ones whose gaps are features.

    Raises:
        InputError: if no choice keeps all limits.
    """
    from scipy.cluster.hierarchy import fcluster, ward
    from scipy.optimize import Bounds, LinearConstraint, milp

    if len(rows) < max(count, 2):
        rule = "must be at least 2, and as many as the instances to choose"
        raise InputError("candidates", rule, f"{len(rows)}, to choose {count}")
    if not count <= clusters <= len(rows):
        rule = f"must be from {count}, the instances to choose, to {len(rows)}, the candidates"
        raise InputError("clusters", rule, str(clusters))
    points = standardised(rows, solvers)
    cluster = fcluster(ward(points), clusters, "maxclust") - 1
    centres = np.stack([points[cluster == k].mean(axis=0) for k in range(cluster.max() + 1)])
    distance = np.linalg.norm(points - centres[cluster], axis=1)
    noise = generator(seed, "selection").random(len(rows))
    whole = np.ones(len(rows))
    kept = [LinearConstraint(whole, count, count)]
    kept += [LinearConstraint((cluster == k).astype(float), 0, 1) for k in range(len(centres))]
    kept += [LinearConstraint(one.holds(rows).astype(float), 0, one.count) for one in at_most]
    kept += [LinearConstraint(one.holds(rows).astype(float), one.count, np.inf) for one in at_least]
    found = milp(distance + _NOISE * noise, integrality=whole, bounds=Bounds(0, 1), constraints=kept)
    if found.x is None:
        advice = "ask for fewer instances or more clusters, or change a limit"
        raise InputError("limits", "must leave a choice", f"none of {count}", advice)
    return Choice(tuple(np.flatnonzero(found.x > 0.5).tolist()), cluster, plane(points))
