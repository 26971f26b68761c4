"""Mutation testing: change one thing in a module, and see whether the module's own tests notice.

`make mutants` draws a sample of changes to the modules that published numbers rest on. It makes each change
in a copy of the package and runs the module's test file. A change that no test notices survives: either it
breaks a fact that no test holds, or it changes no result. `mutants.toml` lists the second kind, each change
with its reason.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
TESTS = {
    "problem/evaluation.py": "problem/test_evaluation.py",
    "problem/constraints.py": "problem/test_evaluation.py",
    "problem/equations.py": "problem/test_equations.py",
    "exact/bandwidth.py": "exact/test_bandwidth.py",
    "certificate/check_certificate.py": "certificate/test_check_certificate.py",
    "board/ranks.py": "board/test_ranks.py",
}
"""Each module that is mutated, and the test file that has to notice."""

LIMIT_FACTOR, LIMIT_S = 4, 30
"""Time limit of a mutant: so many times what its tests take, and so many seconds more."""

_OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And, ast.USub: ast.UAdd,
}  # fmt: skip
_COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
_PAIRS = (("min", "max"), ("minimum", "maximum"), ("fmin", "fmax"), ("floor", "ceil"), ("any", "all"))
_NAMES = dict(_PAIRS) | {right: left for left, right in _PAIRS}


class Mutant(NamedTuple):
    """One change to one module: `before` and `after` are the lines that it touches."""

    module: str
    line: int
    before: str
    after: str
    source: bytes


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield each node that may stand in the place of `node`."""

    def other(**values: object) -> ast.AST:
        twin = copy.copy(node)
        for name, value in values.items():
            setattr(twin, name, value)
        return twin

    match node:
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) if type(op) in _OPERATORS:
            yield other(op=_OPERATORS[type(op)]())
        case ast.UnaryOp(op=ast.USub()):
            yield other(op=ast.UAdd())
        case ast.UnaryOp(op=ast.Invert() | ast.Not(), operand=operand):
            yield operand
        case ast.Compare(ops=[first, *rest]):
            yield from (other(ops=[op(), *rest]) for op in _COMPARISONS[type(first)])
        case ast.Constant(value=bool(value)):
            yield other(value=not value)
        case ast.Constant(value=int(value)):
            yield from (other(value=value + step) for step in (1, -1))
        case ast.Constant(value=float(value)):
            yield from (other(value=value * 10), other(value=value / 10)) if value else (other(value=1.0),)
        case ast.Name(id=name) if name in _NAMES:
            yield other(id=_NAMES[name])
        case ast.Attribute(attr=name) if name in _NAMES:
            yield other(attr=_NAMES[name])
        case ast.IfExp(test=test) | ast.If(test=test) | ast.While(test=test):
            yield ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node of a tree but those of annotations and of texts, which decide nothing."""
    yield tree
    for field, value in ast.iter_fields(tree):
        if field not in ("annotation", "returns"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                    yield from nodes(child)


def mutants(module: str) -> list[Mutant]:
    """Return every mutant of a module of the package, in the order of the source."""
    source = (ROOT / "mincache" / module).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in nodes(ast.parse(source)):
        for twin in changed(node):
            spot = twin if isinstance(twin, ast.UnaryOp) and isinstance(twin.op, ast.Not) else node
            first, last = spot.lineno - 1, spot.end_lineno  # type: ignore[attr-defined]
            begin = starts[first] + spot.col_offset  # type: ignore[attr-defined]
            end = starts[last - 1] + spot.end_col_offset  # type: ignore[attr-defined]
            text = ast.unparse(twin)
            if not isinstance(twin, ast.Constant | ast.Name | ast.Attribute | ast.AugAssign):
                text = f"({text})"
            new = source[:begin] + text.encode() + source[end:]
            grown = starts[last] + len(new) - len(source)
            before, after = (
                " ".join(part.decode().split())
                for part in (source[starts[first] : starts[last]], new[starts[first] : grown])
            )
            found.append(Mutant(module, first + 1, before, after, new))
    return sorted(found, key=lambda mutant: mutant[:4])


def passes(copied: Path, test: str, limit_s: float | None = None) -> bool:
    """Return whether a test file passes on a copy of the package; past the limit it does not."""
    environment = os.environ | {"PYTHONPATH": str(copied), "OMP_NUM_THREADS": "1"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # a mutant may be written within a second of the one before

    def python(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-P", *arguments]
        return subprocess.run(command, cwd=copied, env=environment, capture_output=True, timeout=limit_s)

    where = python("-c", "import mincache; print(mincache.__file__)").stdout.decode()
    if not where.startswith(str(copied)):
        raise SystemExit(f"the tests import {where.strip()}, not the copy in {copied}")
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile", "mutants"]
    try:
        return python("-m", "pytest", *options, str(ROOT / "tests" / test)).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def survives(mutant: Mutant, copies: SimpleQueue[Path], limits_s: dict[str, float]) -> bool:
    """Return whether no test notices a mutant, tried on a copy of the package that nobody else uses."""
    copied = copies.get()
    path = copied / "mincache" / mutant.module
    original = path.read_bytes()
    path.write_bytes(mutant.source)
    try:
        return passes(copied, TESTS[mutant.module], limits_s[TESTS[mutant.module]])
    finally:
        path.write_bytes(original)
        copies.put(copied)


def limit_s(test: str, copies: SimpleQueue[Path]) -> float:
    """Return the time limit of a mutant under this test file, which must pass without one."""
    copied, start = copies.get(), time.monotonic()
    try:
        if not passes(copied, test):
            raise SystemExit(f"tests/{test} fails without a mutant: run it with pytest first")
        return LIMIT_FACTOR * (time.monotonic() - start) + LIMIT_S
    finally:
        copies.put(copied)


def main() -> int:
    """Try a sample of mutants; return 1 if one survives that `mutants.toml` does not list."""
    parser = argparse.ArgumentParser(description="Mutate the modules that published numbers rest on.")
    parser.add_argument("--mutants", type=int, default=8, help="how many mutants of each module; 0 for all")
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants at once")
    parser.add_argument("modules", nargs="*", help=f"which modules; all by default: {', '.join(TESTS)}")
    given = parser.parse_args()
    known = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    for module in set(TESTS) - set(given.modules or TESTS):
        del TESTS[module]
    sites = {
        module: [m for m in mutants(module) if not {m.before, m.after} & known.get(module, {}).keys()]
        for module in TESTS
    }
    draw = random.Random(given.seed).sample
    sample = [m for all_ in sites.values() for m in draw(all_, min(given.mutants or len(all_), len(all_)))]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for worker in range(given.workers):
            shutil.copytree(ROOT / "mincache", Path(folder, str(worker), "mincache"))
            copies.put(Path(folder, str(worker)))
        files = sorted({TESTS[mutant.module] for mutant in sample})
        limits_s = dict(zip(files, pool.map(lambda file: limit_s(file, copies), files), strict=True))
        futures = {pool.submit(survives, mutant, copies, limits_s): mutant for mutant in sample}
        survivors = []
        for n, future in enumerate(as_completed(futures), 1):
            survivors += [futures[future]] if future.result() else []
            print(f"\r{n} of {len(sample)} mutants, {len(survivors)} survive", end="", flush=True)
    print(f"\n\n{'module':<24}{'mutants':>9}{'listed':>9}{'sampled':>9}{'killed':>9}")
    for module, left in sites.items():
        tried, lived = (sum(m.module == module for m in some) for some in (sample, survivors))
        listed = len(mutants(module)) - len(left)
        print(f"{module:<24}{len(left):>9}{listed:>9}{tried:>9}{tried - lived:>9}")
    for mutant in sorted(survivors, key=lambda m: m[:4]):
        print(f"\nmincache/{mutant.module}:{mutant.line} survives\n  - {mutant.before}\n  + {mutant.after}")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
