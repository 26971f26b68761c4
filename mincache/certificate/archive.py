"""Certificates and best solutions beside a suite's instances, so that its references can be checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mincache.certificate.checker import check
from mincache.certificate.writing import certify
from mincache.errors import InputError
from mincache.exact import optimum
from mincache.files.documents import parse_instance, read_bytes, write_bytes
from mincache.generation.best_solutions import solution_path, write_best
from mincache.generation.suites import Suite

_SAME = 1e-9  # relative difference up to which a bound is the reference that the suite lists


def certificate_path(suite: Suite, name: str) -> Path:
    """Return where the certificate of the instance `name` lies."""
    return suite.folder / "certificates" / f"{name}.json.gz"


def has_certificates(suite: Suite) -> bool:
    """Return whether a suite comes with certificates."""
    return certificate_path(suite, "x").parent.is_dir()


def write_archive(suite: Suite) -> Iterator[str]:
    """Write certificate and best solution of every instance of a suite, yielding each name when done."""
    certificate_path(suite, "x").parent.mkdir(exist_ok=True)
    for name in suite.entries:
        data = read_bytes(suite.path(name))
        write_bytes(certificate_path(suite, name), certify(data))
        write_best(suite, name, optimum(parse_instance(data)).solution)
        yield name


def check_archive(suite: Suite) -> Iterator[tuple[str, str | None]]:
    """Yield each instance's name, and None or what its certificate fails to prove."""
    for name in suite.entries:
        try:
            yield name, _failure(suite, name)
        except InputError as error:
            yield name, str(error)


def _failure(suite: Suite, name: str) -> str | None:
    paths = (suite.path(name), certificate_path(suite, name), solution_path(suite, name))
    verdict = check(*map(read_bytes, paths))
    if not verdict.accepted or verdict.bound is None:
        return verdict.sentences[-1]
    listed = suite.entries[name].best_known
    if listed is None or abs(verdict.bound - listed) > _SAME * listed:
        return f"the suite lists {listed} as best known, the certificate proves {verdict.bound!r}"
    return None
