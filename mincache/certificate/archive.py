"""Certificates beside a suite's instances, so that its references can be checked."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from mincache.certificate.check_certificate import CheckResult
from mincache.certificate.proofs import certify_with_solution, check
from mincache.errors import InputError
from mincache.files.documents import parse_instance, read_bytes, solution_bytes, write_bytes
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.generation.suite_checks import SOLUTIONS, Beside, unlike_best_known, write_best
from mincache.generation.suite_writing import set_entries
from mincache.generation.suites import Suite, find
from mincache.problem.evaluation import evaluate
from mincache.problem.solution import Solution

_LARGEST_KEPT = 1_000_000  # bytes, packed


def write_archive(suite: Suite, names: Collection[str] = ()) -> Iterator[str]:
    """Write certificates, best solutions and what they prove, of all or those named; yield each when done.

    A cost or bound is replaced by a better one alone; a certificate too large gives way to its command.
    """
    for name in names or suite.entries:
        data = read_bytes(suite.path(name))
        certificate, solution = certify_with_solution(data)
        suite = set_entries(suite, {name: _found(suite, name, data, certificate, solution)})
        yield name


def _found(
    suite: Suite, name: str, data: bytes, certificate: bytes, solution: Solution
) -> dict[str, str | float | None]:
    """Write the documents of one instance, and return what is known of it now."""
    entry, cost = suite.entries[name], evaluate(parse_instance(data), solution).cost
    verdict = check(data, certificate, solution_bytes(solution))
    if verdict.bound is None:
        raise InputError(name, "must have a certificate that holds", verdict.sentences[-1])
    path = CERTIFICATES.path(suite, name)
    path.parent.mkdir(exist_ok=True)
    write_bytes(path, certificate)
    found: dict[str, str | float | None] = {"certificate": None}
    if path.stat().st_size > _LARGEST_KEPT:
        path.unlink()
        found["certificate"] = f"mincache certify {name} -o proof.json"
    source = f"decomposition, {datetime.now(UTC):%Y-%m-%d}, mincache instances certify {suite.name} {name}"
    better = entry.best_known is None or cost < entry.best_known * (1.0 - RELATIVE_TOLERANCE)
    if better or not SOLUTIONS.path(suite, name).is_file():
        write_best(suite, name, solution)
    if better:
        found |= {"best_known": cost, "cost_from": source}
    if entry.lower_bound is None or verdict.bound > entry.lower_bound:
        found |= {"lower_bound": verdict.bound, "bound_from": source}
    return found | {"status": "proven" if verdict.accepted else "bounded"}


def write_status(suite: Suite) -> Suite:
    """Check the certificates that are there, and write the status that they give; return the suite."""
    found: dict[str, dict[str, str]] = {}
    for name, entry in suite.entries.items():
        try:
            verdict = _checked(suite, name)
        except InputError:
            found[name] = {"status": entry.status or "open"}
        else:
            status = "proven" if verdict.accepted else "open" if verdict.bound is None else "bounded"
            found[name] = {"status": status}
    return find(str(set_entries(suite, found).folder))


def _checked(suite: Suite, name: str) -> CheckResult:
    return check(
        *map(read_bytes, (suite.path(name), CERTIFICATES.path(suite, name), SOLUTIONS.path(suite, name)))
    )


def _failure(suite: Suite, name: str) -> str | None:
    verdict = _checked(suite, name)
    if not verdict.accepted or verdict.bound is None:
        return verdict.sentences[-1]
    return unlike_best_known(suite, name, verdict.bound, "the certificate proves")


CERTIFICATES = Beside("certificates", "mincache instances certify", _failure, remakable=True)
"""The certificates of a suite's instances."""
