"""The check of a certificate of either form: of the paper's problem, or of any rules."""

from __future__ import annotations

from mincache.certificate import check_certificate, checker
from mincache.certificate.document import CheckResult, is_of_frames
from mincache.errors import MissingExtraError
from mincache.files.documents import parse_instance, parse_solution


def check(instance: bytes, certificate: bytes, solution: bytes | None = None) -> CheckResult:
    """Check a certificate of an instance and, where one is given, that a solution is optimal.

    Args:
        instance: the instance document, as the (unpacked) bytes of its file.
        certificate: the certificate, likewise.
        solution: the solution to judge, likewise, if there is one.

    Raises:
        InputError: if a document cannot be read, or a certificate of the paper's problem comes with rules.
        MissingExtraError: if mpmath is not installed.
    """
    if not is_of_frames(certificate):
        return checker.check(instance, certificate, solution)
    problem = parse_instance(instance)
    if solution is not None:
        parse_solution(solution).check_answers(problem)
    try:
        accepted, sentences, bound, gap = check_certificate.check(instance, certificate, solution)
    except ModuleNotFoundError:
        raise MissingExtraError("a check needs mpmath: pip install 'mincache[certify]'") from None
    return CheckResult(accepted, tuple(sentences), bound, gap)
