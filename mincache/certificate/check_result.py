"""The check of a certificate, by the program `check_certificate`, with mincache's reading of documents."""

from __future__ import annotations

from dataclasses import dataclass

from mincache.certificate import check_certificate
from mincache.errors import InputError, MissingExtraError, excerpt
from mincache.files.documents import parse_instance, parse_solution

_HEAD = 100  # bytes of a document in which its format stands


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        accepted: whether the claim is proven and, where a solution was given, that this is optimal.
        sentences: what was found, for people; where something fails, exactly what.
        bound: what no solution that the evaluator calls feasible costs less than; None if not proven.
        gap: of the solution to the bound, relative to its cost; None without a feasible solution.
    """

    accepted: bool
    sentences: tuple[str, ...]
    bound: float | None = None
    gap: float | None = None


def check(instance: bytes, certificate: bytes, solution: bytes | None = None) -> CheckResult:
    """Check a certificate of an instance and, where one is given, that a solution is optimal.

    Args:
        instance: the instance document, as the (unpacked) bytes of its file.
        certificate: the certificate, likewise.
        solution: the solution to judge, likewise, if there is one.

    Raises:
        InputError: if a document cannot be read, or the instance has a rule that the check does not know.
    """
    problem = parse_instance(instance)
    problem.check_rules()
    # A proof may hold more values than other documents may, so its format is read before the whole.
    if f'"{check_certificate.FORMAT}"'.encode() not in certificate[:_HEAD]:
        rule = f"must begin with the format {check_certificate.FORMAT}; `mincache certify` writes it"
        raise InputError("certificate", rule, excerpt(certificate[:_HEAD].decode(errors="replace")))
    if solution is not None:
        parse_solution(solution).check_answers(problem)
    try:
        return CheckResult(*check_certificate.check(instance, certificate, solution))
    except ModuleNotFoundError:
        raise MissingExtraError("a check needs mpmath: pip install 'mincache[certify]'") from None
