"""Writing a certificate: the instance is solved, and what shows that nothing costs less is noted."""

from __future__ import annotations

import json
from collections.abc import Callable

from mincache.certificate.check_certificate import FORMAT, RationalProblem, proven
from mincache.errors import MissingExtraError
from mincache.exact import marginal_delay_s
from mincache.exact.cuts import frame_cuts
from mincache.files.documents import digest, parse_instance
from mincache.problem.solution import Solution

_ROUNDING = 1e-12  # of the bound: what the arithmetic of other checkers may lose


def certify(instance: bytes, *, remaining: Callable[[], float] = lambda: float("inf")) -> bytes:
    """Return a certificate of an instance, as `certify_with_solution` does."""
    return certify_with_solution(instance, remaining=remaining)[0]


def certify_with_solution(
    instance: bytes, *, remaining: Callable[[], float] = lambda: float("inf")
) -> tuple[bytes, Solution]:
    """Return a certificate of an instance and the solution that it goes with.

    What the certificate states is what the checker finds in it.

    Args:
        instance: the (unpacked) bytes of the instance document.
        remaining: returns the seconds left for solving; what was solved by then is proven.

    Raises:
        InputError: if the instance cannot be read, or has a rule that the method does not know.
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
