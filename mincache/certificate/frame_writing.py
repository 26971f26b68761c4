"""Writing a certificate of any instance, with its rules: `mincache-certificate/2`."""

from __future__ import annotations

import json
from collections.abc import Callable

from mincache.certificate.check_certificate import FORMAT, RationalProblem, proven
from mincache.errors import MissingExtraError
from mincache.exact import marginal_delay_s
from mincache.exact.cuts import frame_cuts
from mincache.files.documents import digest, parse_instance
from mincache.problem.solution import Solution

_ROUNDING = 1e-15


def certify_frames(
    instance: bytes, *, remaining: Callable[[], float] = lambda: float("inf")
) -> tuple[bytes, Solution]:
    """Return a certificate of an instance and the solution that it goes with.

    What the certificate states is what the checker finds in it.

    Args:
        instance: the (unpacked) bytes of the instance document.
        remaining: returns the seconds left for solving.

    Raises:
        InputError: if the instance cannot be read.
        MissingExtraError: if mpmath is not installed.
    """
    problem = parse_instance(instance)
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
