"""The check of a certificate, independent of every solver: its own pricing, its own arithmetic.

Cache and steps are checked in rational arithmetic, which does not round; the logarithms of the rates in
intervals that are rounded outwards. With the prices of a leaf the limits become part of the cost, models and
users are independent of each other, and the least cost in the leaf's box is a sum of minima.

That holds for the solutions in which no user gets steps that cannot lower the cost: none at a miss, at most
A3 at a hit. Any other solution has one of these at its side that costs no more.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from mincache.certificate.document import CheckResult, SlotProof, parse_certificate, to_float, without_rules
from mincache.errors import MissingExtraError, excerpt
from mincache.files.documents import digest, parse_instance, parse_solution
from mincache.problem.instance import Instance
from mincache.problem.solution import Solution

OPTIMAL_WITHIN = Fraction(1, 10**9)
"""Relative gap up to which a solution is called optimal."""
KEPT_WITHIN = Fraction(1, 10**12)
"""What a limit may be passed by, relatively, and still count as kept."""
FORGIVEN = Fraction(1, 10**9)
"""What a limit may be passed by, relatively, for the evaluator to call a solution feasible."""

_INTERVAL_BITS, _HALVINGS, _ZERO = 120, 80, Fraction(0)


class RefusedError(Exception):
    """Something is not proven; the message says what. It never leaves `check`."""


def check(instance: bytes, certificate: bytes, solution: bytes | None = None) -> CheckResult:
    """Check a certificate of an instance and, where one is given, that a solution is optimal.

    Args:
        instance: the instance document, as the (unpacked) bytes of its file.
        certificate: the certificate, likewise.
        solution: the solution to judge, likewise, if there is one.

    Raises:
        InputError: if a document cannot be read, or the instance has rules beyond the paper's problem.
        MissingExtraError: if mpmath is not installed.
    """
    problem, claim = without_rules(parse_instance(instance)), parse_certificate(certificate)
    answer = None if solution is None else parse_solution(solution)
    slots = [_Slot(problem, t) for t in range(problem.slot_count)]
    radio = _Radio(problem)
    try:
        if (claim.instance, claim.instance_sha256) != (problem.name, digest(instance)):
            raise RefusedError(f"it is about another document, of the instance {excerpt(claim.instance)}")
        forgiving = _proven(slots, radio, claim.slots, Fraction(claim.bound))
    except RefusedError as refused:
        return CheckResult(False, (f"refused: {refused}",))
    sentences = (
        f"proven: no solution that keeps the limits costs less than {claim.bound!r}",
        f"proven: none that the evaluator calls feasible costs less than {to_float(forgiving)!r}",
    )
    if answer is None:
        return CheckResult(True, sentences, claim.bound)
    answer.check_answers(problem)
    try:
        cost, excess = _priced(slots, radio, answer)
    except RefusedError as refused:
        return CheckResult(False, (*sentences, f"the solution is not feasible: {refused}"), claim.bound)
    gap = cost - (Fraction(claim.bound) if excess <= KEPT_WITHIN else forgiving)
    gap = gap / cost if cost else _ZERO
    optimal = gap <= OPTIMAL_WITHIN
    found = "optimal within 1e-9" if optimal else f"not proven optimal, only within {to_float(gap):.2g}"
    last = f"the solution is {found}: it costs {to_float(cost)!r}"
    return CheckResult(optimal, (*sentences, last), claim.bound, to_float(gap))


class _Box(NamedTuple):
    """What a box allows for one model: to be a miss, to be a hit, and how much service at a hit."""

    miss: bool
    hit: bool
    low: Fraction
    high: Fraction


_Boxes = dict[int, _Box]


class _Slot:
    """One slot in rational numbers: what generation and backhaul cost."""

    def __init__(self, instance: Instance, t: int) -> None:
        radio = instance.radio
        self.model = {name: column.tolist() for name, column in vars(instance.models).items()}
        self.models = instance.model_count
        self.alpha = Fraction(instance.preference_weight)
        self.storage_gb, self.steps = Fraction(instance.server.storage_gb), Fraction(instance.server.steps)
        self.requested: list[int] = instance.trace.requested_model[t].tolist()
        self.count = Counter(self.requested)
        self.cloud = dict.fromkeys(self.count, _ZERO)
        self.shared = cache(self._shared)
        for m, bits in zip(self.requested, instance.trace.input_bits[t].tolist(), strict=True):
            up = Fraction(bits) / Fraction(radio.backhaul_up_bps)
            down = self.of("output_bits", m) / Fraction(radio.backhaul_down_bps)
            self.cloud[m] += self.alpha * (up + down) + self.hit(m, self.of("steps_saturation", m))

    def of(self, parameter: str, m: int) -> Fraction:
        return Fraction(self.model[parameter][m])

    def hit(self, m: int, steps: Fraction) -> Fraction:
        """Cost of generating at the edge with `steps`; the cloud's generation costs what A3 cost here."""
        onset, full = self.of("steps_onset", m), self.of("steps_saturation", m)
        worst, best = self.of("tv_worst", m), self.of("tv_best", m)
        progress = min(max((steps - onset) / (full - onset), _ZERO), Fraction(1))
        delay = self.of("seconds_per_step", m) * steps + self.of("seconds_base", m)
        return self.alpha * delay + (1 - self.alpha) * (worst + progress * (best - worst))

    def _shared(self, m: int, x: Fraction) -> Fraction:
        """Least cost of generating for the users of model m when they share x A3 steps.

        A user's cost is concave in the steps up to A3, so all but one get none or A3.
        """
        served, full, none = math.floor(x), self.of("steps_saturation", m), self.hit(m, _ZERO)
        cost = served * self.hit(m, full) + (self.count[m] - served) * none
        return cost if x == served else cost + self.hit(m, (x - served) * full) - none

    def any(self, m: int) -> _Box:
        return _Box(True, True, _ZERO, Fraction(self.count[m]))

    def least(self, m: int, box: _Box | None, per_gb: Fraction, per_step: Fraction) -> Fraction | None:
        """Least cost of model m and its users in a box at these prices; None if nothing is in it."""
        box = box or self.any(m)
        options = [self.cloud.get(m, _ZERO)] if box.miss and box.low <= 0 else []
        if box.hit:
            storage = per_gb * self.of("size_gb", m)
            step_cost = per_step * self.of("steps_saturation", m)
            # Concave from one whole number of users to the next, and linear over the whole numbers.
            ends = {box.low, box.high, Fraction(math.ceil(box.low)), Fraction(math.floor(box.high))}
            within = [x for x in ends if box.low <= x <= box.high]
            options += [self.shared(m, x) + storage + step_cost * x for x in within]
        return min(options, default=None)


def _proven(slots: list[_Slot], radio: _Radio, proofs: list[SlotProof], bound: Fraction) -> Fraction:
    """Check every slot; return the mean cost that no solution the evaluator calls feasible goes below."""
    if len(proofs) != len(slots):
        raise RefusedError(f"it proves {len(proofs)} slots of {len(slots)}")
    forgiving = sum((_prove(slots[t], radio, proof, t) for t, proof in enumerate(proofs)), start=_ZERO)
    claimed = sum((Fraction(proof.bound) for proof in proofs), start=_ZERO) / len(slots)
    if bound > claimed:
        raise RefusedError(f"the slots prove {to_float(claimed)!r}, not {float(bound)!r}")
    return forgiving / len(slots)


def _prove(slot: _Slot, radio: _Radio, proof: SlotProof, t: int) -> Fraction:
    """Check every leaf of a slot; return the mean cost that holds where limits are passed as forgiven."""
    multiplier, users, costs = Fraction(proof.bandwidth_multiplier), len(slot.requested), []
    if multiplier < 0:
        raise RefusedError(f"slot {t}: the bandwidth multiplier is negative")
    transmission = slot.alpha * radio.least_delay_s(t, multiplier)
    for leaf, (boxes, per_gb, per_step) in enumerate(_leaves(slot, proof.tree, t)):
        terms = [slot.least(m, boxes.get(m), per_gb, per_step) for m in slot.count | boxes]
        if None in terms:
            continue  # nothing is in this box
        limits = per_gb * slot.storage_gb + per_step * slot.steps
        cost = transmission + sum(term for term in terms if term is not None) - limits
        relief = slot.alpha * multiplier + limits  # what passing each limit by all of itself would save
        kept = (cost - KEPT_WITHIN * relief) / users
        if kept < proof.bound:
            claim = f"proves {to_float(kept)!r}, not {proof.bound!r}"
            raise RefusedError(f"slot {t}: leaf {leaf} ({_described(boxes)}) {claim}")
        costs.append((cost - FORGIVEN * relief) / users)
    if not costs:
        raise RefusedError(f"slot {t}: no leaf holds any solution")
    return min(costs)


def _leaves(slot: _Slot, tree: list[Any], t: int) -> Iterator[tuple[_Boxes, Fraction, Fraction]]:
    """Walk a tree in preorder; give box and prices of each leaf. Together they hold every solution."""
    waiting: list[_Boxes] = [{}]
    for place, node in enumerate(tree):
        if not waiting:
            raise RefusedError(f"slot {t}: node {place} comes after the end of the tree")
        boxes = waiting.pop()
        match node:
            case ["cache", int(m)] if 0 <= m < slot.models:
                old = boxes.get(m) or slot.any(m)
                waiting += [boxes | {m: old._replace(miss=False)}, boxes | {m: old._replace(hit=False)}]
            case ["service", int(m), int(x) | float(x)] if 0 <= m < slot.models:
                old, at = boxes.get(m) or slot.any(m), Fraction(x)
                least, most = old._replace(low=max(old.low, at)), old._replace(high=min(old.high, at))
                waiting += [boxes | {m: least}, boxes | {m: most}]
            case [int(storage) | float(storage), int(step) | float(step)] if min(storage, step) >= 0:
                yield boxes, Fraction(storage), Fraction(step)
            case _:
                raise RefusedError(f"slot {t}: node {place} is neither a split nor a leaf: {excerpt(node)}")
    if waiting:
        raise RefusedError(f"slot {t}: the tree ends before the leaf for {_described(waiting[-1])}")


def _described(boxes: _Boxes) -> str:
    def words(m: int, box: _Box) -> str:
        state = "free" if box.miss and box.hit else "cached" if box.hit else "left out"
        return f"model {m} {state}, {to_float(box.low):g} to {to_float(box.high):g} served"

    return "; ".join(words(m, box) for m, box in boxes.items()) or "everything"


class _Radio:
    """The radio links, in intervals that are rounded outwards."""

    def __init__(self, instance: Instance) -> None:
        try:
            from mpmath.ctx_iv import MPIntervalContext  # type: ignore[import-untyped]  # has no types
        except ModuleNotFoundError:
            raise MissingExtraError("a check needs mpmath: pip install 'mincache[certify]'") from None
        self.iv = MPIntervalContext()
        self.iv.prec = _INTERVAL_BITS
        radio, trace = instance.radio, instance.trace
        self.noise, self.up_hz, self.down_hz = radio.noise_w_per_hz, radio.uplink_hz, radio.downlink_hz
        self.up_w, self.down_w = radio.user_power_w.tolist(), radio.bs_power_w
        self.gain, self.up_bits = trace.channel_gain.tolist(), trace.input_bits.tolist()
        self.down_bits = instance.models.output_bits[trace.requested_model].tolist()

    def least_delay_s(self, t: int, multiplier: Fraction) -> Fraction:
        """Lower bound on the users' seconds on the radio links, with `multiplier` the price of bandwidth.

        An upload's seconds are convex in the share, so above a tangent everywhere. It is laid where its slope
        is about the price; what is left of the slope counts at the worst share.
        """
        total = -multiplier
        for n in range(len(self.up_w)):
            share = self._touching(t, n, float(multiplier))
            upload, fall, download = self._links(t, n, share)
            tilt = min(multiplier - _exact(fall, 1), _ZERO) * (1 + FORGIVEN)
            total += _exact(upload + fall * share + download, 0) + tilt
        return total

    def delay_s(self, t: int, shares: list[float]) -> Fraction:
        """Upper bound on the users' seconds on the radio links with these shares."""
        links = (self._links(t, n, share) for n, share in enumerate(shares))
        return sum((_exact(upload + download, 1) for upload, _, download in links), start=_ZERO)

    def _links(self, t: int, n: int, share: float) -> tuple[Any, Any, Any]:
        """Seconds of upload, how steeply they fall with the share, and seconds of download."""
        up_hz = self.iv.mpf(self.up_hz) * share
        up, elasticity = self._link(self.up_bits[t][n], self.up_w[n], self.gain[t][n], up_hz)
        down, _ = self._link(self.down_bits[t][n], self.down_w, self.gain[t][n], self.iv.mpf(self.down_hz))
        return up, up * elasticity / share, down

    def _link(self, bits: float, power_w: float, gain: float, band_hz: Any) -> tuple[Any, Any]:
        """Seconds to send `bits` over a band, and by what fraction they fall for a fraction more of it."""
        u = self.iv.mpf(power_w) * gain / (self.noise * band_hz)
        log = self.iv.log(1 + u)
        return self.iv.ln2 * bits / (band_hz * log), 1 - u / ((1 + u) * log)

    def _touching(self, t: int, n: int, multiplier: float) -> float:
        """A share at which more of it would save about `multiplier` seconds a unit; any share is sound."""
        snr = self.up_w[n] * self.gain[t][n] / self.noise / self.up_hz
        scale = math.log(2) * self.up_bits[t][n] / self.up_hz
        low, high = -60.0, 0.0  # of the share's logarithm
        for _ in range(_HALVINGS):
            share = math.exp((low + high) / 2)
            log = math.log1p(snr / share)
            steep = scale * (log - snr / (share + snr)) > multiplier * (share * log) ** 2
            low, high = ((low + high) / 2, high) if steep else (low, (low + high) / 2)
        return math.exp(high)


def _exact(interval: Any, end: int) -> Fraction:
    """Return the lower (0) or upper (1) end of an interval as a fraction."""
    sign, mantissa, exponent, _ = interval._mpi_[end]
    if exponent and not mantissa:  # how mpmath writes infinity
        raise RefusedError("a rate is too close to 0 to be bounded")
    return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** int(exponent)


def _priced(slots: list[_Slot], radio: _Radio, solution: Solution) -> tuple[Fraction, Fraction]:
    """Return an upper bound on a feasible solution's cost, and by what it passes a limit at most."""
    total, excess = _ZERO, _ZERO
    for t, slot in enumerate(slots):
        cached = {m for m, kept in enumerate(solution.cache[t].tolist()) if kept}
        bandwidth, share = solution.bandwidth_share[t].tolist(), solution.step_share[t].tolist()
        if not (all(0 < b <= 1 for b in bandwidth) and all(0 <= x <= 1 for x in share)):
            raise RefusedError(f"slot {t} has a share out of its range")
        storage = sum((slot.of("size_gb", m) for m in cached), start=_ZERO) / slot.storage_gb
        used = storage, *(sum(map(Fraction, shares), start=_ZERO) for shares in (bandwidth, share))
        excess = max(excess, max(used) - 1)
        if excess > FORGIVEN:
            raise RefusedError(f"slot {t} passes a limit by {to_float(excess):.2g} of it")
        total += slot.alpha * radio.delay_s(t, bandwidth)
        total += sum((slot.cloud[m] for m in slot.count if m not in cached), start=_ZERO)
        given = zip(slot.requested, share, strict=True)
        total += sum((slot.hit(m, Fraction(x) * slot.steps) for m, x in given if m in cached), start=_ZERO)
    return total / sum(len(slot.requested) for slot in slots), excess
