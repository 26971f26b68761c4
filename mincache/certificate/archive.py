"""Certificates beside a suite's instances, so that its references can be checked."""

from __future__ import annotations

from collections.abc import Iterator

from mincache.certificate.checker import check
from mincache.certificate.writing import certify
from mincache.exact import optimum
from mincache.files.documents import parse_instance, read_bytes, write_bytes
from mincache.generation.best_solutions import SOLUTIONS, Beside, unlike_best_known, write_best
from mincache.generation.suites import Suite


def write_archive(suite: Suite) -> Iterator[str]:
    """Write certificate and best solution of every instance of a suite, yielding each name when done."""
    for name in suite.entries:
        data, path = read_bytes(suite.path(name)), CERTIFICATES.path(suite, name)
        path.parent.mkdir(exist_ok=True)
        write_bytes(path, certify(data))
        write_best(suite, name, optimum(parse_instance(data)).solution)
        yield name


def _failure(suite: Suite, name: str) -> str | None:
    paths = (suite.path(name), CERTIFICATES.path(suite, name), SOLUTIONS.path(suite, name))
    verdict = check(*map(read_bytes, paths))
    if not verdict.accepted or verdict.bound is None:
        return verdict.sentences[-1]
    return unlike_best_known(suite, name, verdict.bound, "the certificate proves")


CERTIFICATES = Beside("certificates", "mincache instances certify", _failure)
"""The certificates of a suite's instances."""
