"""Check that no solution of an instance costs less than a certificate says: a program of its own.

    python check_certificate.py INSTANCE CERTIFICATE [SOLUTION]

It needs Python's standard library and mpmath, and nothing of mincache. Costs are whole numbers of 2^-80,
rounded so that a bound can only become lower; the logarithms of the rates are intervals rounded outwards. A
solution may pass a limit by 1e-9 of it, as the evaluator has it: the bound holds for these solutions too.

Loading a model for w in frame k costs y times the rise of "it is cached" at least, for any 0 <= y <= w. With
such prices y the frames are apart. A tree goes through the caches of each frame: prices of storage and of
each slot's steps show that what it passes over costs the frame's cut at least. Every other cache is listed,
and its users are served exactly. A course costs what its frames do, the cut where a cache is not listed, and
between listed caches the slack of the prices: w - y for what is loaded, y for what is dropped.
"""

import gzip
import hashlib
import json
import math
import sys
import zlib
from collections import Counter
from fractions import Fraction
from operator import itemgetter
from typing import Any, NamedTuple

FORMAT = "mincache-certificate/2"
FORGIVEN = Fraction(1001, 10**12)
"""What a limit may be passed by, relatively: the evaluator forgives 1e-9, and its sums are off by 1e-12."""
OPTIMAL_WITHIN = Fraction(1, 10**9)
"""Relative gap up to which a solution is called optimal."""
FIELDS = {
    "server": "storage_gb steps",
    "radio": "uplink_hz downlink_hz noise_w_per_hz bs_power_w user_power_w backhaul_up_bps backhaul_down_bps",
    "models": "size_gb output_bits steps_onset tv_worst steps_saturation tv_best"
    " seconds_per_step seconds_base",
    "trace": "channel_gain requested_model input_bits",
    "rules": "frame_slots loading_s_per_gb steps_floor",
}
"""What makes an instance's costs. Any other field, but UNPRICED, could change them too, so it is refused."""
UNPRICED = {"skewness", "popularity_order"}
FULL, LEAF, SPLIT, CLOSED, FIXED, TOO_LARGE = range(6)
"""The moves of a tree."""

_ONE = 1 << 80
_INTERVAL_BITS, _HALVINGS = 120, 80
_Caches = dict[frozenset[int], int]


class CheckResult(NamedTuple):
    """What a check found: whether all is proven, in sentences, the bound, and the solution's relative gap."""

    accepted: bool
    sentences: tuple[str, ...]
    bound: float | None = None  # None if not proven
    gap: float | None = None  # None without a feasible solution


class NotProvenError(Exception):
    """Something is not proven; the message says what."""


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotProvenError(otherwise)


def _read(data: bytes, form: str) -> Any:
    """Return a document of a format, in which no field stands twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        _require(len(dict(pairs)) == len(pairs), "a field stands twice")
        return dict(pairs)

    document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=once)
    _require(document["format"] == form, f"it is no {form}")
    return document


def _nonnegative(value: Any) -> bool:
    """Return whether a number, or each in a list of lists, is finite and at least 0; text is no number."""
    if isinstance(value, list):
        return all(map(_nonnegative, value))
    return type(value) in (int, float) and 0 <= value < math.inf


def _down(value: Any) -> int:
    return math.floor(Fraction(value) * _ONE)


class RationalProblem:
    """The instance in a document, in rational numbers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.name, self.radio, trace = document["name"], document["radio"], document["trace"]
        rules, possible = document.get("rules", {}), [_nonnegative(document["preference_weight"])]
        for section, known in FIELDS.items():
            part = {name: value for name, value in document.get(section, {}).items() if name not in UNPRICED}
            unknown = sorted(part.keys() - known.split())
            _require(not unknown, f"{section}: {unknown} are not known here")
            possible.append(_nonnegative(list(part.values())))
        self.alpha, self.model = Fraction(document["preference_weight"]), document["models"]
        self.models = range(len(self.model["size_gb"]))
        self.storage, self.steps = (Fraction(document["server"][name]) for name in ("storage_gb", "steps"))
        self.requested = [[int(m) for m in row] for row in trace["requested_model"]]
        self.bits, self.gain = trace["input_bits"], trace["channel_gain"]
        self.slots, self.users = len(self.requested), len(self.radio["user_power_w"])
        frame_slots = Fraction(rules.get("frame_slots", 1))
        self.frame_slots = min(int(frame_slots), self.slots)
        self.load_s, self.floor = (Fraction(rules.get(one, 0)) for one in ("loading_s_per_gb", "steps_floor"))
        rows = (self.model[name] for name in ("size_gb", "steps_onset", "steps_saturation"))
        self.size, self.onset, self.full = ([Fraction(value) for value in row] for row in rows)
        # The proof rests on savings that are convex, and on whole counts.
        rising: Any = zip(self.onset + self.model["tv_best"], self.full + self.model["tv_worst"], strict=True)
        table = self.requested + self.bits + self.gain
        shape = {*map(len, self.model.values())}, len(table), {*map(len, table)}
        possible += [
            shape == ({len(self.models)}, 3 * self.slots, {self.users}),
            all(a <= b for a, b in rising),
        ]
        possible += [frame_slots.denominator == 1 <= frame_slots, max(self.alpha, self.floor) <= 1]
        possible.append(self.requested == trace["requested_model"])
        _require(all(possible), "the instance has a value that no instance has")
        self.frames = -(-self.slots // self.frame_slots)
        between = zip(self.onset, self.full, strict=True)
        self.least = [self.floor and low + self.floor * (high - low) for low, high in between]

    def hit(self, m: int, steps: Fraction) -> Fraction:
        """Return the cost of generating at the edge with `steps`; in the cloud it is that of A3 steps."""
        onset, full = self.onset[m], self.full[m]
        worst, best = Fraction(self.model["tv_worst"][m]), Fraction(self.model["tv_best"][m])
        progress = min(max((steps - onset) / (full - onset), Fraction(0)), Fraction(1))
        delay = Fraction(self.model["seconds_per_step"][m]) * steps + Fraction(self.model["seconds_base"][m])
        return self.alpha * delay + (1 - self.alpha) * (worst + progress * (best - worst))

    def cloud(self, t: int, n: int) -> Fraction:
        """Return the cost of a request that goes to the cloud, without the radio links."""
        m = self.requested[t][n]
        up = Fraction(self.bits[t][n]) / Fraction(self.radio["backhaul_up_bps"])
        down = Fraction(self.model["output_bits"][m]) / Fraction(self.radio["backhaul_down_bps"])
        return self.alpha * (up + down) + self.hit(m, self.full[m])

    def loading(self, k: int) -> list[Fraction]:
        """Return what loading each model at the start of frame k costs."""
        waiting = Counter(self.requested[k * self.frame_slots])
        return [self.alpha * self.load_s * self.size[m] * waiting[m] for m in self.models]


class RationalFrame:
    """What a frame's caches cost, in whole numbers, where having a model costs `held`."""

    def __init__(self, problem: RationalProblem, k: int, held: list[int], later: list[bool]) -> None:
        self.problem, self.held = problem, held
        self.slots = range(problem.slots)[k * problem.frame_slots : (k + 1) * problem.frame_slots]
        self.count = [Counter(problem.requested[t]) for t in self.slots]
        self.out = [0] * len(held)
        for t in self.slots:
            for n, m in enumerate(problem.requested[t]):
                self.out[m] += _down(problem.cloud(t, n))
        storage, steps = (limit * (1 + FORGIVEN) for limit in (problem.storage, problem.steps))
        self.least = [least * (1 - FORGIVEN) for least in problem.least]
        self.idle = [_down(problem.hit(m, least)) for m, least in enumerate(self.least)]
        self.fully = [_down(problem.hit(m, problem.full[m])) for m in problem.models]
        # Parts of a limit: rounded down, so that what uses them up costs no more than it does.
        self.size = [_down(size / storage) for size in problem.size]
        self.taken = [_down(least / steps) for least in self.least]
        self.extra = [_down((problem.full[m] - self.least[m]) / steps) for m in problem.models]
        self.part = steps
        # A model that nobody asks for, here or at once in the next frame, is never worth caching.
        asked = {m for count in self.count for m in count}
        fit = {m for m in problem.models if all(c[m] * self.taken[m] <= _ONE for c in self.count)}
        self.items = [m for m in sorted(fit) if (m in asked or later[m]) and self.size[m] <= _ONE]
        self.nowhere = sum(self.out[m] for m in problem.models if m not in self.items)
        self.asked = {m: [(j, c[m]) for j, c in enumerate(self.count) if m in c] for m in self.items}

    def terms(self, grid: int) -> dict[int, tuple[int, int, list[tuple[int, int, int, int, int]]]]:
        """Return what having each model costs and takes, and its users; prices are of 1 / grid."""
        terms = {}
        for m in self.items:
            idle, fully = self.idle[m] * grid, self.fully[m] * grid
            slots = [(j, n * idle, n * fully, n * self.extra[m], n * self.taken[m]) for j, n in self.asked[m]]
            terms[m] = self.held[m] * grid, self.size[m], slots
        return terms

    def served(self, cache: set[int], enough: int) -> int | None:
        """Return the least cost of a cache, or something from `enough` on; None if it cannot be."""
        if sum(self.size[m] for m in cache) > _ONE:
            return None
        cost = self.nowhere + sum(self.held[m] if m in cache else self.out[m] for m in self.items)
        for count in self.count:
            room = _ONE - sum(count[m] * self.taken[m] for m in cache)
            if room < 0:
                return None
            cost += sum(count[m] * self.idle[m] for m in cache)
        savings = [self._saving(count, cache, exactly=False) for count in self.count]
        for j, count in enumerate(self.count):
            if cost - sum(savings) < enough:
                savings[j] = self._saving(count, cache, exactly=True)
        return cost - sum(savings)

    def _saving(self, count: Counter[int], cache: set[int], *, exactly: bool) -> int:
        """Return what a slot's steps save at most, exactly or with fractions of users."""
        room = _ONE - sum(count[m] * self.taken[m] for m in cache)
        gain = {m: self.idle[m] - self.fully[m] + 2 for m in cache if count[m]}  # 2: both were rounded
        items = [m for m, saved in gain.items() if saved > 2 and self.extra[m]]
        items.sort(key=lambda m: Fraction(gain[m], self.extra[m]), reverse=True)
        free = sum(count[m] * gain[m] for m in gain if gain[m] > 2 and not self.extra[m])

        def fractional(i: int, left: int) -> int:
            total = 0
            for m in items[i:]:
                if count[m] * self.extra[m] > left:
                    return total + -(-gain[m] * left // self.extra[m])
                total, left = total + count[m] * gain[m], left - count[m] * self.extra[m]
            return total

        if not exactly:
            return free + fractional(0, room)
        best, chosen = 0, [0] * len(items)

        def search(i: int, left: int, total: int) -> None:
            nonlocal best
            # Of the items before, one user who is not served in full may still be served in part.
            parts = (self._part(m, left) for m, n in zip(items[:i], chosen, strict=False) if n < count[m])
            reached = total + max(parts, default=0)
            best = max(best, reached)
            if i == len(items) or reached + fractional(i, left) <= best:
                return
            for number in range(min(count[items[i]], left // self.extra[items[i]]), -1, -1):
                chosen[i] = number
                search(i + 1, left - number * self.extra[items[i]], total + number * gain[items[i]])

        search(0, room, 0)
        return free + best + 4  # a part is rounded up, so one that was passed over may save so much more

    def _part(self, m: int, left: int) -> int:
        """Return what one user of a model saves at most with so much of the steps beyond the least."""
        given = self.least[m] + Fraction(min(left, self.extra[m] + 1), _ONE) * self.part
        given = min(given, self.problem.full[m])
        return max(0, self.idle[m] + 1 - _down(self.problem.hit(m, given)))


def listed(frame: RationalFrame, k: int, proof: dict[str, Any]) -> tuple[int, _Caches]:
    """Walk a frame's tree; return its cut, and what every cache that the tree does not pass over costs."""
    cut, grid, width = _down(proof["cut"]), proof["grid"], len(frame.count) + 1
    whole = {type(grid), *map(type, proof["moves"]), *map(type, proof["prices"])} == {int}
    right = whole and type(proof["cut"]) in (int, float) and min([grid - 1, *proof["prices"]]) >= 0
    _require(right, f"frame {k}: moves, prices and their grid must be whole, and prices from 0 on")
    moves, prices = iter(proof["moves"]), iter(proof["prices"])
    terms, out, enough = frame.terms(grid), [cost * grid for cost in frame.out], cut * grid

    def undecided(m: int) -> bool:
        return m in frame.items and m not in inside and m not in outside

    def costs_at_prices() -> tuple[int, dict[int, int]]:
        point = [next(prices) for _ in range(width)]
        total, cached, storage = frame.nowhere * grid - sum(point) * _ONE, {}, point[-1]
        for m, (cost, size, slots) in terms.items():
            if m in outside:
                total += out[m]
                continue
            cost += storage * size
            for j, idle, fully, extra, taken in slots:
                price = point[j]
                served = fully + price * extra
                cost += (idle if idle < served else served) + price * taken
            cached[m] = cost
            total += cost if cost < out[m] or m in inside else out[m]
        return total, cached

    caches: _Caches = {}
    waiting: list[tuple[set[int], set[int]]] = [(set(), set())]
    try:
        while waiting:
            inside, outside = waiting.pop()
            move = next(moves)
            while move in (FIXED, TOO_LARGE):
                models = [next(moves) for _ in range(next(moves))]
                room = _ONE - sum(frame.size[m] for m in inside)
                total, cached = costs_at_prices() if move == FIXED else (0, {})
                for m in models:
                    side, i = (inside, m) if m >= 0 else (outside, ~m)
                    _require(undecided(i), f"frame {k}: model {i} is fixed, but not open")
                    too_large = m < 0 and frame.size[i] > room
                    _require(too_large or move == FIXED, f"frame {k}: model {i} is not too large")
                    gain = out[i] - cached[i] if move == FIXED else 0
                    proved = move == TOO_LARGE or total + max(gain if m >= 0 else -gain, 0) >= enough
                    _require(proved, f"frame {k}: model {i} is fixed without proof")
                    side.add(i)
                move = next(moves)
            if move == FULL:
                _require(sum(frame.size[m] for m in inside) > _ONE, f"frame {k}: a cache is not too large")
            elif move == CLOSED:
                _require(costs_at_prices()[0] >= enough, f"frame {k}: a cache may cost less than the cut")
            elif move == LEAF:
                _require(not any(map(undecided, frame.items)), f"frame {k}: a leaf leaves models open")
                cost = frame.served(inside, cut)
                if cost is not None and cost < cut:
                    caches[frozenset(inside)] = cost
            elif move == SPLIT:
                m = next(moves)
                i = m if m >= 0 else ~m
                _require(undecided(i), f"frame {k}: model {i} is split, but not open")
                halves = [(inside | {i}, set(outside)), (set(inside), outside | {i})]
                waiting += halves if m < 0 else halves[::-1]
            else:
                raise NotProvenError(f"frame {k}: {move!r} is no move")
    except StopIteration:
        raise NotProvenError(f"frame {k}: the tree ends too early") from None
    _require(next(moves, None) is next(prices, None) is None, f"frame {k}: something follows the tree")
    return cut, caches


def cheapest(lists: list[_Caches], cuts: list[int], price: list[list[int]], load: list[list[int]]) -> int:
    """Return the least cost of any course, in whole numbers; a cache not listed costs its frame's cut."""
    label: list[tuple[int, frozenset[int]]] = []  # of listed caches, the cheapest first
    unlisted = 0  # of all others: going on from them costs nothing, nor does loading for the first frame
    for k, caches in enumerate(lists):
        reached = []
        for cache, cost in caches.items():
            best = unlisted
            for so_far, before in label:
                if so_far >= best:
                    break
                loaded = sum(load[k][m] - price[k][m] for m in cache - before)
                best = min(best, so_far + loaded + sum(price[k][m] for m in before - cache))
            reached.append((best + cost, cache))
        unlisted = cuts[k] + min([unlisted, *(so_far for so_far, _ in label[:1])])
        label = sorted((one for one in reached if one[0] < unlisted), key=itemgetter(0))
    return min([unlisted, *(so_far for so_far, _ in label[:1])])


class RationalRadio:
    """The radio links of a problem, in intervals that are rounded outwards."""

    def __init__(self, problem: RationalProblem) -> None:
        from mpmath.ctx_iv import MPIntervalContext  # type: ignore[import-untyped]  # has no types

        self.iv = MPIntervalContext()
        self.iv.prec = _INTERVAL_BITS
        self.problem, self.radio = problem, problem.radio

    def least_delay_s(self, t: int, multiplier: Fraction) -> Fraction:
        """Return a lower bound on the users' seconds on the links; `multiplier` is the price of bandwidth."""
        # A convex delay is above a tangent of about the price's slope; the rest counts at the worst share.
        total = -multiplier * (1 + FORGIVEN)
        for n in range(self.problem.users):
            share = self._touching(t, n, float(multiplier))
            upload, fall, download = self._links(t, n, share)
            total += _end(upload + fall * share + download, 0) + min(multiplier - _end(fall, 1), Fraction(0))
        return total

    def delay_s(self, t: int, shares: list[float]) -> Fraction:
        """Return an upper bound on the users' seconds on the links with these shares."""
        links = (self._links(t, n, share) for n, share in enumerate(shares))
        return sum((_end(upload + download, 1) for upload, _, download in links), start=Fraction(0))

    def _links(self, t: int, n: int, share: float) -> tuple[Any, Any, Any]:
        """Seconds of upload, how steeply they fall with the share, and seconds of download."""
        gain, output = self.problem.gain[t][n], self.problem.model["output_bits"]
        up_hz = self.iv.mpf(float(self.radio["uplink_hz"])) * share
        up, elasticity = self._link(self.problem.bits[t][n], self.radio["user_power_w"][n], gain, up_hz)
        down_hz = self.iv.mpf(float(self.radio["downlink_hz"]))
        down, _ = self._link(output[self.problem.requested[t][n]], self.radio["bs_power_w"], gain, down_hz)
        return up, up * elasticity / share, down

    def _link(self, bits: float, power_w: float, gain: float, band_hz: Any) -> tuple[Any, Any]:
        """Seconds to send `bits` over a band, and by what fraction they fall for a fraction more of it."""
        u = self.iv.mpf(float(power_w)) * float(gain) / (float(self.radio["noise_w_per_hz"]) * band_hz)
        log = self.iv.log(1 + u)
        return self.iv.ln2 * bits / (band_hz * log), 1 - u / ((1 + u) * log)

    def _touching(self, t: int, n: int, multiplier: float) -> float:
        """Return a share at which more of it would save about `multiplier` seconds a unit; any is sound."""
        power, hz = self.radio["user_power_w"][n], self.radio["uplink_hz"]
        snr = power * self.problem.gain[t][n] / self.radio["noise_w_per_hz"] / hz
        scale = math.log(2) * self.problem.bits[t][n] / hz
        low, high = -60.0, 0.0  # of the share's logarithm
        for _ in range(_HALVINGS):
            share = math.exp((low + high) / 2)
            log = math.log1p(snr / share)
            steep = scale * (log - snr / (share + snr)) > multiplier * (share * log) ** 2
            low, high = ((low + high) / 2, high) if steep else (low, (low + high) / 2)
        return math.exp(high)


def _end(interval: Any, end: int) -> Fraction:
    """Return the lower (0) or upper (1) end of an interval as a fraction."""
    sign, mantissa, exponent, _ = interval._mpi_[end]
    if exponent and not mantissa:  # how mpmath writes infinity
        raise NotProvenError("a rate is too close to 0 to be bounded")
    return Fraction((-1) ** sign * int(mantissa)) * Fraction(2) ** int(exponent)


def proven(problem: RationalProblem, claim: dict[str, Any]) -> Fraction:
    """Return what no feasible solution costs less than, by the proof alone."""
    K, M = problem.frames, len(problem.size)
    exact = [problem.loading(k) for k in range(K)]
    load = [[_down(cost) for cost in row] for row in exact]
    keeping = claim["keeping"] if claim["keeping"] != [] else [[0] * M] * (K - 1)
    right = _nonnegative(keeping) and [len(row) for row in keeping] == [M] * (K - 1)
    _require(right, f"it must have {K - 1} rows of {M} prices of keeping, from 0 on")
    # More than loading costs is no price; cut down to that, each is one.
    price = [load[0]]
    for row, costs in zip(keeping, load[1:], strict=True):
        price.append([min(_down(y), w) for y, w in zip(row, costs, strict=True)])
    right = len(claim["frames"]) == K and len(claim["bandwidth"]) == problem.slots
    _require(right, f"it must prove {K} frames and {problem.slots} slots")
    cuts, lists = [], []
    for k, proof in enumerate(claim["frames"]):
        after, later = (price[k + 1], exact[k + 1]) if k + 1 < K else ([0] * M, [0] * M)
        held = [now - then for now, then in zip(price[k], after, strict=True)]
        cut, caches = listed(RationalFrame(problem, k, held, [cost > 0 for cost in later]), k, proof)
        cuts.append(cut)
        lists.append(caches)
    total, radio = Fraction(cheapest(lists, cuts, price, load), _ONE), RationalRadio(problem)
    _require(_nonnegative(claim["bandwidth"]), "a bandwidth multiplier is negative")
    for t, multiplier in enumerate(claim["bandwidth"]):
        total += problem.alpha * radio.least_delay_s(t, Fraction(multiplier))
    return total / (problem.slots * problem.users)


def priced(problem: RationalProblem, answer: dict[str, Any]) -> Fraction:
    """Return an upper bound on the cost of a solution, or refuse it if it is not feasible."""
    radio, total, before = RationalRadio(problem), Fraction(0), set[int]()
    for t, row in enumerate(answer["cache"]):
        cached = {m for m in problem.models if row[m]}
        bandwidth, share = answer["bandwidth_share"][t], answer["step_share"][t]
        full = [len(row), len(bandwidth), len(share)] == [len(problem.size), problem.users, problem.users]
        right = full and set(row) <= {0, 1} and _nonnegative([row, bandwidth, share]) and min(bandwidth) > 0
        _require(right and max(bandwidth + share) <= 1, f"slot {t} lacks a share, or has one out of range")
        storage = sum((problem.size[m] for m in cached), start=Fraction(0)) / problem.storage
        most = max(storage, sum(map(Fraction, bandwidth)), sum(map(Fraction, share)))
        _require(most <= 1 + FORGIVEN, f"slot {t} passes a limit")
        kept = cached == before or t % problem.frame_slots == 0
        _require(kept, f"slot {t} changes the cache within a frame")
        total += problem.alpha * radio.delay_s(t, bandwidth)
        for n, m in enumerate(problem.requested[t]):
            steps = Fraction(share[n]) * problem.steps
            if m in cached and steps < problem.least[m] * (1 - FORGIVEN):
                raise NotProvenError(f"slot {t}: user {n} has fewer steps than the floor")
            total += problem.hit(m, steps) if m in cached else problem.cloud(t, n)
            if m in cached and m not in before:
                total += problem.alpha * problem.load_s * problem.size[m]
        before = cached
    _require(len(answer["cache"]) == problem.slots, f"the solution must have {problem.slots} slots")
    return total / (problem.slots * problem.users)


def check(instance: bytes, certificate: bytes, solution: bytes | None = None) -> CheckResult:
    """Check a certificate and, where a solution is given, that it is optimal; all are unpacked documents."""
    sentences: tuple[str, ...] = ()
    bound = None
    try:
        problem, claim = RationalProblem(_read(instance, "mincache-instance/1")), _read(certificate, FORMAT)
        about = (problem.name, hashlib.sha256(instance).hexdigest())
        _require((claim["instance"], claim["instance_sha256"]) == about, "it is about another document")
        found, stated = proven(problem, claim), claim["bound"]
        right = type(stated) in (int, float) and -math.inf < stated <= found
        _require(right, f"the frames prove {float(found)!r}, not {stated!r:.40}")
        bound = float(stated)
        sentences = (f"proven: no solution that the evaluator calls feasible costs less than {bound!r}",)
        if solution is None:
            return CheckResult(True, sentences, bound)
        answer = _read(solution, "mincache-solution/1")
        _require(answer["instance"] == problem.name, "the solution is of another instance")
        cost = priced(problem, answer)
        gap = (cost - Fraction(stated)) / cost if cost else Fraction(0)
        optimal = gap <= OPTIMAL_WITHIN
        told = "optimal within 1e-9" if optimal else f"not proven optimal, only within {float(gap):.2g}"
        sentences += (f"the solution is {told}: it costs {float(cost)!r}",)
        return CheckResult(optimal, sentences, bound, float(gap))
    except NotProvenError as refused:
        return CheckResult(False, (*sentences, f"refused: {refused}"), bound)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {str(error)[:80]}".replace("\n", " ")
        return CheckResult(False, (*sentences, f"refused: a document is not what it must be ({what})"), bound)


def main(arguments: list[str]) -> int:
    """Check the files named; return the exit code: 0 if all holds, 1 if not, 2 if a file cannot be read."""
    if not 2 <= len(arguments) <= 3:
        sys.stderr.write("usage: check_certificate.py INSTANCE CERTIFICATE [SOLUTION]\n")
        return 2
    documents = []
    for path in arguments:
        try:
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                documents.append(file.read())
        except (OSError, EOFError, zlib.error) as error:
            sys.stderr.write(f"{path}: must be a file that can be read: {error}\n")
            return 2
    found = check(*documents)
    sys.stdout.write("\n".join(found.sentences) + "\n")
    return 0 if found.accepted else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
