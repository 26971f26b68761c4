"""Certificates with mincache's reading of documents: written here, and checked by a program apart."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from mincache.certificate import check_certificate
from mincache.certificate.check_certificate import (
    FORMAT,
    CheckResult,
    NotProvenError,
    RationalProblem,
    proven,
)
from mincache.errors import InputError, excerpt, optional_library
from mincache.exact import marginal_delay_s
from mincache.exact.arrays import Library
from mincache.exact.keeping import Pricing
from mincache.exact.optimum import RELATIVE_GAP
from mincache.exact.passes import FrameSearch, frame_sums
from mincache.exact.regrets import loading_losses
from mincache.exact.trees import FrameTrees
from mincache.files.documents import digest, parse_instance, parse_solution
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.requests import Delays, upload_s
from mincache.problem.solution import Solution

_ROUNDING = 1e-12  # of the bound: what the arithmetic of other checkers may lose
_PROVEN_WITHIN = 1e-10  # relative gap to the optimum up to which a cut proves it
_FORGIVEN = 1.002e-9  # of a limit: somewhat more than the check forgives, so that it finds no lower a bound
_SLACK = 4e-12  # of a cut, for rounding here
_FOR_PROOF = 0.4  # of the time, for the proof once the instance is solved as far as it is
_SEARCHED = 0.02  # of the time left, for the trees: the check takes some fifty times as long
_HEAD = 100  # bytes of a document in which its format stands


def is_certificate(document: bytes) -> bool:
    """Return whether a document begins as certificates do; it is not read any further."""
    return f'"{FORMAT}"'.encode() in document[:_HEAD]


def check(instance: bytes, certificate: bytes, solution: bytes | None = None) -> CheckResult:
    """Check a certificate of an instance and, where one is given, that a solution is optimal."""
    problem = parse_instance(instance)
    problem.check_rules()
    # A proof may hold more values than other documents may, so its format is read before the whole.
    if not is_certificate(certificate):
        rule = f"must begin with the format {FORMAT}; `mincache certify` writes it"
        raise InputError("certificate", rule, excerpt(certificate[:_HEAD].decode(errors="replace")))
    if solution is not None:
        parse_solution(solution).check_answers(problem)
    optional_library("mpmath", "certify", "a check needs")
    return check_certificate.check(instance, certificate, solution)


def certify(instance: bytes, *, remaining: Callable[[], float] = lambda: float("inf")) -> bytes:
    """Return a certificate of an instance, as `certify_with_solution` does."""
    return certify_with_solution(instance, remaining=remaining)[0]


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # what overflows is refused in the end
def certify_with_solution(
    instance: bytes, *, remaining: Callable[[], float] = lambda: float("inf")
) -> tuple[bytes, Solution]:
    """Return a certificate of what is solved of an instance document in `remaining`, and the solution.

    Raises:
        InputError: if nothing can be proven, as where numbers are at the ends of what floats hold.
    """
    optional_library("mpmath", "certify", "a proof needs")
    problem = parse_instance(instance)
    problem.check_rules()
    solution, keeping, frames = _solved(problem, remaining)
    multiplier = marginal_delay_s(problem, solution.bandwidth_share).mean(axis=1)
    claim: dict[str, Any] = {
        "format": FORMAT, "instance": problem.name, "instance_sha256": digest(instance),
        "bandwidth": multiplier.tolist(), "keeping": keeping.tolist(), "frames": frames,
    }  # fmt: skip
    try:
        bound = float(proven(RationalProblem(json.loads(instance)), claim))
    except (NotProvenError, ArithmeticError, ValueError) as error:
        rule = "must have numbers that a bound can be proven with"
        raise InputError("instance", rule, excerpt(str(error)), "numbers nearer to 1 can") from None
    claim["bound"] = bound - _ROUNDING * abs(bound)
    return json.dumps(claim, separators=(",", ":"), allow_nan=False).encode() + b"\n", solution


def _solved(
    instance: Instance, remaining: Callable[[], float]
) -> tuple[Solution, Array, list[dict[str, Any]]]:
    """Solve an instance in the time there is; return prices of keeping models and frames' proofs besides."""
    search = FrameSearch(instance, RELATIVE_GAP)
    load, whole = loading_losses(instance, search.slots), float(search.ideal.sum())
    kept_s = _FOR_PROOF * remaining() if np.isfinite(remaining()) else 0.0

    def solving() -> float:
        return remaining() - kept_s

    if instance.rules.loading_s_per_gb > 0.0:
        pricing = Pricing(search, load, RELATIVE_GAP * whole, solving)
        for phase in (pricing.climb(), pricing.mix(), pricing.close()):
            for _ in phase:
                pass
        course = pricing.best
        goal = min((course.loss + whole) * (1.0 - _PROVEN_WITHIN) - whole, course.lower)
        keep, cuts = pricing.keep(pricing.price), pricing.cuts(goal)
        trees = _trees(search, keep, load[1:] > 0.0, cuts, remaining)
        return search.solution(course.cache), pricing.price[1:], trees
    for _ in search.passes(solving):
        pass
    solved = (search.plan.loss + search.ideal) * (1.0 - _PROVEN_WITHIN) - search.ideal
    cuts = np.minimum(solved, search.plan.lower)
    trees = _trees(search, np.zeros_like(load), np.zeros(load[1:].shape, bool), cuts, remaining)
    return search.solution(), load[:0], trees


def _trees(
    search: FrameSearch, keep: Array, wanted: Array, cuts: Array, remaining: Callable[[], float]
) -> list[dict[str, Any]]:
    """Search each frame below its cut once more, with what the check forgives, and note the moves."""
    instance = search.instance
    most = np.array([instance.server.storage_gb, instance.server.steps]) * (1.0 + _FORGIVEN)
    limits = np.minimum(most, np.finfo(np.float64).max)
    library = _forgiving(search.library)
    trees = FrameTrees(instance, search.stakes, library, search.work, limits, search.compiled)
    links_s = upload_s(instance, search.bandwidth) + Delays.of(instance).downlink_s
    slot = search.stakes.ideal_cost - instance.preference_weight * np.add.reduce(links_s, axis=-1)
    ideal = frame_sums(slot, search.slots)
    # A hit may lack some of the steps that it must have, which saves the time that they take.
    step_s = instance.models.seconds_per_step * search.library.least_steps
    lacking_s = np.add.reduce(step_s[instance.trace.requested_model], axis=-1)
    saved = frame_sums(_FORGIVEN * instance.preference_weight * lacking_s, search.slots)
    wanted = np.append(wanted, np.zeros((1, instance.model_count), bool), axis=0)
    found = []
    for k, wished in enumerate(cuts):
        nodes = trees.affordable(_SEARCHED * remaining() / (len(cuts) - k))
        moves, prices, grid, cut = trees.noted(k, keep[k], wanted[k], float(wished), nodes)
        cost = float(cut - keep[k].sum() + ideal[k])
        rounding = _SLACK * (abs(cut) + abs(float(keep[k].sum())) + float(ideal[k]))
        proof = {"cut": cost - rounding - float(saved[k]), "grid": grid}
        found.append(proof | {"moves": moves.tolist(), "prices": prices.tolist()})
    return found


def _forgiving(library: Library) -> Library:
    """Return the models with as much less of the steps that hits must have as the check forgives."""
    lacking = _FORGIVEN * library.least_steps
    least, full = library.least_steps - lacking, library.full_steps + lacking
    for steps in least, full:
        steps.setflags(write=False)  # as the library's are: others would be another type to compile for
    return library._replace(least_steps=least, full_steps=full)
