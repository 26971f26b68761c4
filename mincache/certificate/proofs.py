"""Certificates with mincache's reading of documents: written here, and checked by a program apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from mincache.certificate import check_certificate
from mincache.certificate.check_certificate import FORMAT, RationalProblem, proven
from mincache.errors import InputError, MissingExtraError, excerpt
from mincache.exact import marginal_delay_s
from mincache.exact.cuts import frame_cuts
from mincache.files.documents import digest, parse_instance, parse_solution
from mincache.problem.solution import Solution

_ROUNDING = 1e-12  # of the bound: what the arithmetic of other checkers may lose
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

    All are documents, as the (unpacked) bytes of their files.

    Raises:
        InputError: if a document cannot be read, or the instance has a rule that the check does not know.
    """
    problem = parse_instance(instance)
    problem.check_rules()
    # A proof may hold more values than other documents may, so its format is read before the whole.
    if f'"{FORMAT}"'.encode() not in certificate[:_HEAD]:
        rule = f"must begin with the format {FORMAT}; `mincache certify` writes it"
        raise InputError("certificate", rule, excerpt(certificate[:_HEAD].decode(errors="replace")))
    if solution is not None:
        parse_solution(solution).check_answers(problem)
    try:
        return CheckResult(*check_certificate.check(instance, certificate, solution))
    except ModuleNotFoundError:
        raise MissingExtraError("a check needs mpmath: pip install 'mincache[certify]'") from None


def certify(instance: bytes, *, remaining: Callable[[], float] = lambda: float("inf")) -> bytes:
    """Return a certificate of an instance, as `certify_with_solution` does."""
    return certify_with_solution(instance, remaining=remaining)[0]


def certify_with_solution(
    instance: bytes, *, remaining: Callable[[], float] = lambda: float("inf")
) -> tuple[bytes, Solution]:
    """Return a certificate of an instance document and the solution that it goes with.

    What the certificate states is what the checker finds in it. What is solved within `remaining` is proven.
    """
    problem = parse_instance(instance)
    problem.check_rules()
    cuts = frame_cuts(problem, remaining)
    multiplier = marginal_delay_s(problem, cuts.solution.bandwidth_share).mean(axis=1)
    claim = {
        "format": FORMAT,
        "instance": problem.name,
        "instance_sha256": digest(instance),
        "bandwidth": multiplier.tolist(),
        "keeping": cuts.keeping.tolist(),
        "frames": [vars(frame) for frame in cuts.frames],
    }
    try:
        bound = float(proven(RationalProblem(json.loads(instance)), claim))
    except ModuleNotFoundError:
        raise MissingExtraError("a proof needs mpmath: pip install 'mincache[certify]'") from None
    claim["bound"] = bound - _ROUNDING * abs(bound)
    return json.dumps(claim, separators=(",", ":"), allow_nan=False).encode() + b"\n", cuts.solution
