"""Certificates beside a suite's instances, so that its references can be checked."""

from collections.abc import Collection, Iterator

from mincache.certificate.check_certificate import CheckResult
from mincache.certificate.proofs import certify_with_solution, check, is_certificate
from mincache.errors import InputError
from mincache.files import documents
from mincache.files.documents import parse_instance, parse_solution, read_bytes
from mincache.files.paths import make_folder
from mincache.generation.recipes import RELATIVE_TOLERANCE
from mincache.generation.suite_checks import SOLUTIONS, Beside, unlike_best_known, write_best
from mincache.generation.suite_writing import found_by, set_entries
from mincache.generation.suites import Suite
from mincache.problem.evaluation import evaluate
from mincache.problem.solution import Solution

_LARGEST_KEPT = 1_000_000  # bytes, packed


def write_archive(suite: Suite, names: Collection[str] = (), *, files: bool = True) -> Iterator[str]:
    """Write certificates, best solutions and what they prove, of all or those named; yield each when done.

    A cost or bound is replaced by a better one alone. Without `files`, what is proven is written alone, and
    the command that makes each certificate stands in its place, as it does for one that is too large.
    """
    for name in names or suite.entries:
        data = read_bytes(suite.path(name))
        certificate, solution = certify_with_solution(data)
        suite = set_entries(suite, {name: _found(suite, name, data, certificate, solution, files)})
        yield name


def _found(
    suite: Suite, name: str, data: bytes, certificate: bytes, solution: Solution, files: bool
) -> dict[str, str | float | None]:
    """Write the documents of one instance, and return what is known of it now."""
    entry, cost = suite.entries[name], evaluate(parse_instance(data), solution).cost
    verdict = check(data, certificate, documents.solution_bytes(solution))
    if verdict.bound is None:
        raise InputError(name, "must have a certificate that holds", verdict.sentences[-1])
    found = _kept(suite, name, certificate, _LARGEST_KEPT if files else 0)
    source = found_by("decomposition", f"mincache instances certify {suite.name} {name}")
    better = entry.best_known is None or cost < entry.best_known * (1.0 - RELATIVE_TOLERANCE)
    if better or (files and not SOLUTIONS.path(suite, name).is_file()):
        write_best(suite, name, solution)
    if better:
        found |= {"best_known": cost, "cost_from": source}
    if entry.lower_bound is None or verdict.bound > entry.lower_bound:
        found |= {"lower_bound": verdict.bound, "bound_from": source}
    return found | {"status": "proven" if verdict.accepted else "bounded"}


def _kept(
    suite: Suite, name: str, certificate: bytes, most: int = _LARGEST_KEPT
) -> dict[str, str | float | None]:
    """Write a certificate beside its instance, or return the command that makes it where it is too large."""
    path = CERTIFICATES.path(suite, name)
    if most:
        make_folder(path.parent)
        documents.write_bytes(path, certificate)
        if path.stat().st_size <= most:
            return {"certificate": None}
    path.unlink(missing_ok=True)
    return {"certificate": f"mincache certify {name} -o proof.json"}


def improve(suite: Suite, name: str, document: bytes, who: str, command: str) -> str:
    """Take a solution of lower cost, or a certificate of a higher bound; return a sentence on it.

    Args:
        suite: a folder that can be written.
        name: of one of its instances.
        document: the solution or the certificate.
        who: name of who found it; it stands in `suite.toml`, with today's date.
        command: how it was handed in; it stands there too.

    Raises:
        InputError: if the document does not hold, or is no better than what is known.
    """
    data, entry, source = read_bytes(suite.path(name)), suite.entries[name], found_by(who, command)
    if is_certificate(document):
        answer = SOLUTIONS.path(suite, name)
        verdict = check(data, document, read_bytes(answer) if answer.is_file() else None)
        if verdict.bound is None:
            raise InputError("certificate", "must hold", verdict.sentences[-1])
        if entry.lower_bound is not None and verdict.bound <= entry.lower_bound:
            raise InputError("bound", f"must be above the known {entry.lower_bound!r}", repr(verdict.bound))
        if entry.best_known is not None and verdict.bound > entry.best_known * (1.0 + RELATIVE_TOLERANCE):
            raise InputError("bound", f"must not be above the cost {entry.best_known!r}", repr(verdict.bound))
        status = "proven" if verdict.accepted and verdict.gap is not None else "bounded"
        known = {"lower_bound": verdict.bound, "bound_from": source, "status": status}
        set_entries(suite, {name: _kept(suite, name, document) | known})
        return f"{name}: no solution costs less than {verdict.bound!r}; {status}"
    instance, solution = parse_instance(data), parse_solution(document)
    evaluation = evaluate(instance, solution)
    if not evaluation.feasible:
        raise InputError("solution", "must keep all constraints", str(evaluation.violations[0]))
    if entry.best_known is not None and evaluation.cost >= entry.best_known:
        raise InputError("cost", f"must be below the known {entry.best_known!r}", repr(evaluation.cost))
    if entry.lower_bound is not None and evaluation.cost < entry.lower_bound * (1.0 - RELATIVE_TOLERANCE):
        raise InputError("cost", f"must not be below the bound {entry.lower_bound!r}", repr(evaluation.cost))
    write_best(suite, name, solution)
    set_entries(suite, {name: {"best_known": evaluation.cost, "cost_from": source}})
    return f"{name}: a solution costs {evaluation.cost!r}"


def write_status(suite: Suite) -> Suite:
    """Check the certificates that are there, and write the status that they give; return the suite."""
    found: dict[str, dict[str, str]] = {}
    for name, entry in suite.entries.items():
        try:
            verdict = _checked(suite, name)
            status = "proven" if verdict.accepted else "open" if verdict.bound is None else "bounded"
        except InputError:  # what is damaged proves nothing; what is not kept, a command can make
            damaged = CERTIFICATES.path(suite, name).is_file()
            status = "open" if damaged else entry.status or "open"
        found[name] = {"status": status}
    return set_entries(suite, found)


def _checked(suite: Suite, name: str) -> CheckResult:
    return check(
        *map(read_bytes, (suite.path(name), CERTIFICATES.path(suite, name), SOLUTIONS.path(suite, name)))
    )


def _failure(suite: Suite, name: str) -> str | None:
    verdict = _checked(suite, name)
    if not verdict.accepted or verdict.bound is None:
        return verdict.sentences[-1]
    return unlike_best_known(suite, name, verdict.bound, "the certificate proves")


CERTIFICATES = Beside("certificates", _failure, remakable=True)
"""The certificates of a suite's instances."""
