"""Two checkers of certificates, in two languages, held against each other: `make checkers`.

Every certificate that ships goes to both, with the best known solution; then copies in which one value of the
three documents is another one. They must say the same of each.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mincache import Instance
from mincache.certificate import certify_with_solution
from mincache.certificate.archive import CERTIFICATES
from mincache.files.documents import digest, instance_bytes, read_bytes, solution_bytes
from mincache.generation.suite_checks import SOLUTIONS
from mincache.generation.suites import find
from mincache.problem.instance import ModelLibrary, Radio, Server, Trace

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "examples" / "checker" / "check.cpp"
FLAGS = ["-O2", "-std=c++17", "-frounding-math"]

Case = tuple[str, bytes, bytes, bytes]
"""A name, and the documents of an instance, a certificate and a solution."""


def build(folder: Path) -> Path:
    """Compile the checker in C++ into a folder."""
    program = folder / "check"
    subprocess.run(["g++", *FLAGS, str(SOURCE), "-o", str(program)], check=True)
    return program


def shipped(suites: list[str]) -> Iterator[Case]:
    """Yield each certificate that ships with these suites."""
    for suite in map(find, suites):
        for name in suite.entries:
            path = CERTIFICATES.path(suite, name)
            if path.is_file():  # else a command that makes it is named
                yield (
                    name,
                    read_bytes(suite.path(name)),
                    read_bytes(path),
                    read_bytes(SOLUTIONS.path(suite, name)),
                )


def mutants(cases: list[Case], count: int, seed: int) -> Iterator[Case]:
    """Yield copies of cases in which one value of a document is another one, or missing."""
    chance = random.Random(seed)
    for number in range(count):
        name, *documents = chance.choice(cases)
        which = chance.choices(range(3), (1, 3, 1))[0]
        documents[which] = mutated(json.loads(documents[which]), chance)
        if which == 0:  # else both would only say that it is another instance's certificate
            about = {"instance_sha256": digest(documents[0])}
            documents[1] = json.dumps(json.loads(documents[1]) | about).encode()
        yield f"{name}, mutant {number}", documents[0], documents[1], documents[2]


def served_in_part() -> Instance:
    """Return an instance where it is best to serve one user in full, and another one in part."""
    zero, one, two = np.zeros(2), np.ones(2), np.ones((1, 2))
    models = ModelLibrary(
        size_gb=one, output_bits=one, steps_onset=np.array([0.0, 7.9]), tv_worst=np.array([10.0, 7.2]),
        steps_saturation=np.array([10.0, 8.0]), tv_best=zero, seconds_per_step=zero, seconds_base=zero,
    )  # fmt: skip
    radio = Radio(4.0, 8.0, 1.0, 24.0, 12.0 * one, 0.01, 0.01)
    trace = Trace(np.zeros(1), two, np.array([[0, 1]]), two)
    return Instance("part", 0.5, Server(10.0, 17.9), radio, models, trace)


def overstated(bound: float) -> Case:
    """Return a certificate of that instance which lists all caches at what they cost, and states a bound."""
    instance = instance_bytes(served_in_part())
    certificate, solution = certify_with_solution(instance)
    document = json.loads(certificate)
    document["frames"][0] |= {"moves": [2, 0, 2, 1, 1, 1, 2, 1, 1, 1], "prices": [], "cut": 1000.0}
    lie = json.dumps(document | {"bound": bound}).encode()
    return f"stated {bound}", instance, lie, solution_bytes(solution)


def mutated(document: dict[str, Any], chance: random.Random) -> bytes:
    """Return the document with one value changed or left out, in any of its lists or beside them."""
    value: Any = document
    while isinstance(value, dict | list) and value and (value is document or chance.random() < 0.95):
        place: Any = value
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
        value = place[key]
    if chance.random() < 0.1:
        del place[key]
    elif type(value) in (int, float) and chance.random() < 0.8:
        place[key] = chance.choice(
            [0, 1, -1, -value, 2 * value, value + 1, value - 1, 0.5, value * (1 + 1e-9), value * (1 - 1e-9)]
        )
    else:
        place[key] = chance.choice([None, True, "1", [], {}, [value], 1e300, str(value), [0, 1]])
    return json.dumps(document).encode()


def disagreements(program: Path, cases: Iterator[Case], folder: Path) -> Iterator[tuple[str, str | None]]:
    """Yield each case's name, and None or what the two checkers say where that differs."""
    from mincache.certificate import check_certificate

    paths = [folder / f"{name}.json" for name in ("instance", "certificate", "solution")]
    for name, *documents in cases:
        for path, data in zip(paths, documents, strict=True):
            path.write_bytes(data)
        accepted, sentences, bound, _ = check_certificate.check(*documents)
        done = subprocess.run([str(program), *map(str, paths)], capture_output=True, text=True, check=False)
        same = (done.returncode == 0) == accepted and done.stdout.startswith("proven") == (bound is not None)
        yield name, None if same else f"{sentences} but {done.stdout.splitlines()} ({done.stderr[:80]})"


def main() -> int:
    """Compare the checkers; return 1 if they differ anywhere."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "suites",
        nargs="*",
        default=sorted(path.parent.name for path in ROOT.glob("instances/*/certificates")),
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program, whole = build(folder), list(shipped(arguments.suites))
        small = sorted(whole, key=lambda case: len(case[2]))[: max(1, len(whole) // 3)]
        found = list(disagreements(program, iter(whole), folder))
        found += disagreements(program, mutants(small, arguments.mutants, arguments.seed), folder)
    for case, said in found:
        if said is not None:
            print(f"{case}: {said}")
    differing = sum(said is not None for _, said in found)
    print(f"{len(whole)} certificates and {arguments.mutants} mutants: the checkers differ on {differing}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
