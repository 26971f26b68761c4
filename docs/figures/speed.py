"""The tables of docs/decomposition.md on speed, made from what `make benchmark` has measured."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "exact_method.json"


def measured() -> dict[str, Any]:
    """Return what was measured, by part."""
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def markdown() -> str:
    """Return all of it as Markdown."""
    found = measured()
    return "\n\n".join([_where(found), _against_scip(found), _alone(found), _over_size(found)])


def _where(found: dict[str, Any]) -> str:
    machine, (before, after) = found["machine"], found["load"]
    versions = ", ".join(f"{name} {machine['versions'][name]}" for name in ("python", "numpy"))
    return (
        f"Measured in one run on {found['date']} at commit {machine['commit'][:12]}: {machine['cpu']}, "
        f"{machine['cores']} cores, {versions}. The machine was shared: its load was {before:g} when the run "
        f"began and {after:g} when it ended, and {machine['cores']} would be full use."
    )


def _against_scip(found: dict[str, Any]) -> str:
    rows = [
        (
            row["instance"], f"{row['decomposition_s'] * 1e3:.2f} ms", f"{row['gap']:.0e}",
            f"{row['scip_s']:.1f} s", _above(row["scip_above"]), f"{row['ratio']:,.0f}",
        )
        for users in (10, 18)
        for row in found[f"scip {users}"]
    ]  # fmt: skip
    header = (
        "instance, 50 slots",
        "decomposition",
        "its gap",
        "SCIP, to a gap of 1e-4",
        "its cost above",
        "ratio of times",
    )
    return _table(header, rows)


def _above(gap: float) -> str:
    return f"{gap:.0e}" if gap > 1e-12 else "0"


def _alone(found: dict[str, Any]) -> str:
    plain, compiled, large = found["start plain"], found["start compiled"], found["large"]
    rows = [
        ("a fresh process, one instance (N = 18), plain loops",
         f"{plain['make_s'] + plain['first_solve_s']:.3f} s to make the solver and solve"),
        ("the same with `compiled=true`, from numba's cache",
         f"{compiled['make_s']:.2f} s to make the solver, {compiled['first_solve_s'] * 1e3:.1f} ms to solve"),
        ("importing mincache before either", f"{min(plain['import_s'], compiled['import_s']):.2f} s"),
        ("a slot of 10,000 users and 1,000 models",
         f"{large['seconds'] * 1e3:.1f} ms, gap {large['gap']:.0e}"),
        ("the same with sizes that differ by a few per cent",
         f"{found['unequal']['seconds']:.2f} s, gap {found['unequal']['gap']:.0e}"),
    ]  # fmt: skip
    for users in (10, 18):
        proofs = found[f"certificate {users}"]
        written, checked = (max(row[name] for row in proofs) for name in ("write_s", "check_s"))
        size = max(row["bytes"] for row in proofs) / 1e3
        text = f"written in {written:.2f} s, {size:.0f} kB, checked in {checked:.2f} s"
        rows.append((f"the certificate of an instance of paper-v1, N = {users}", text))
    return _table(("what", "how long"), rows)


def _over_size(found: dict[str, Any]) -> str:
    tables = []
    for over, header in (("N", "users N, one slot, 100 models"), ("T", "slots T, 10 users, 10 models")):
        seconds, power = found[f"over {over}"]["seconds"], found[f"over {over}"]["power"]
        sizes = [f"{int(size):,}" for size in seconds]
        times = [f"{s * 1e3:.2f} ms" for s in seconds.values()]
        tables.append(_table((header, *sizes), [(f"grows with the power {power:.2f}", *times)]))
    return "\n\n".join(tables)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(header), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
