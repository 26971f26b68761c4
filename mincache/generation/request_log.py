"""Requests from a log: who asked for what, and when, becomes the traces of a suite."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from mincache.errors import InputError, excerpt, in_file
from mincache.files.paths import file_stamp
from mincache.files.tables import StrictTable
from mincache.generation.data_files import check_filled, number, numbers, read_columns
from mincache.generation.process import DataFile, Digest, Draw, Positive, Process, Shape
from mincache.problem import units
from mincache.problem.quantity import Array


class LogColumns(StrictTable):
    """Which column of a log holds what: times as numbers or in ISO 8601 (UTC), sizes in the log's units.

    With an empty `user`, for logs that do not tell users, the k-th request of a slot is user k's.
    """

    time: str = Field(default="time", min_length=1)
    user: str | None = "user"
    item: str = Field(default="item", min_length=1)
    input: str | None = None
    output: str | None = None


def _moment(value: Any) -> Any:
    """Return a time as text or a number; TOML has dates of its own."""
    if isinstance(value, bool) or not isinstance(value, str | float | int | date):
        raise InputError("", "must be a number, or a date and time in ISO 8601", excerpt(value))
    return value.isoformat() if isinstance(value, date) else value


Moment = Annotated[float | str, BeforeValidator(_moment)]


class LogWindow(StrictTable):
    """Which part of a log counts: from `begin` to before `end`, as the log writes times; none: all."""

    begin: Moment | None = None
    end: Moment | None = None


@dataclass(frozen=True)
class LogRequests:
    """The R requests of a log that count, in the order of time."""

    slot: Array  # [R], from 0
    user: Array  # [R], numbers in the order of their first request
    model: Array  # [R]
    input_bits: Array | None  # [R]; None if the log has none
    output_bits: Array | None  # [M], means by model; None if the log has none
    rows: int
    outside: int  # rows that lie outside of the window
    unlisted: int  # rows left out since their item is not among the M most requested
    items: tuple[str, ...]


_MOST_SLOTS = 2.0**53  # above it, not all whole numbers are float64
Unit = Literal["bit", "byte", "kB", "MB", "GB", "token"]


class RequestLog(Process):
    """Requests from a CSV or Parquet file.

    Items become models 0 to M-1, the most requested first (of equals, the one seen first). Trace k takes
    the slots from k T on. Of several requests of a user in a slot the first counts.

    The slots are the scenario's unless `slot_s` is given. docs/scenarios.md has all rules.

    Attributes:
        slot_s: duration of a slot; none: the scenario's.
        users_from: which users of a trace to take: the `first` N, or the N most `active`, in the order of
            their first request.
        others: what becomes of requests for items beyond the M most requested: `drop` them, or let them
            be for the `last` model.
        idle: what a user without a request in a slot asks for: `repeat` their request before (or their
            first); `draw` one of the trace's requests; with `drop`, users who are ever idle are not taken.
    """

    process: Literal["log"] = "log"
    file: DataFile
    sha256: Digest = None
    columns: LogColumns = LogColumns()
    time_unit: Literal["s", "ms", "us", "ns"] = "s"
    slot_s: Positive | None = None
    window: LogWindow = LogWindow()
    users_from: Literal["first", "active"] = "first"
    others: Literal["drop", "last"] = "drop"
    idle: Literal["repeat", "drop", "draw"] = "repeat"
    input_unit: Unit = "MB"
    output_unit: Unit = "MB"
    bytes_a_token: Positive = 4.0

    def draw(self, shape: Shape, uniforms: Draw, given: Mapping[str, Array]) -> dict[str, Array]:
        """Read the requests of each trace; of more traces than the log holds, the first follow again."""
        log = self.requests(shape)
        held = self.trace_count(shape)
        numbers = (given["trace"] % held).tolist()
        fallbacks: Iterable[Array | None] = [None] * len(numbers)
        if self.idle == "draw":
            fallbacks = uniforms("log/idle", shape.slots, shape.users)
        traces = map(partial(self._trace, log, shape), numbers, fallbacks)
        rows = np.array(list(traces))  # [K, T, N], indices of requests
        found = {"skewness": np.zeros(rows.shape[:2]), "requested_model": log.model[rows]}
        return found if log.input_bits is None else found | {"input_bits": log.input_bits[rows]}

    def trace_count(self, shape: Shape) -> int:
        """Return how many traces of T slots the log holds."""
        slots = int(self.requests(shape).slot[-1]) + 1
        if slots < shape.slots:
            with in_file(self.file):
                advice = "ask for fewer slots, or shorter ones (slot_s)"
                raise InputError("slots", f"must be at most {slots}", str(shape.slots), advice)
        return slots // shape.slots

    def check_traces(self, shape: Shape, count: int) -> None:
        """Refuse a trace with too few users."""
        log = self.requests(shape)
        for trace in range(count):
            self._trace(log, shape, trace, None)

    def requests(self, shape: Shape) -> LogRequests:
        """Return the log's requests for slots and models of these sizes."""
        stamp = file_stamp(self.file)
        return _requests(self, shape.models, self.slot_s or shape.slot_duration_s, stamp)

    def _trace(self, log: LogRequests, shape: Shape, number: int, fallback: Array | None) -> Array:
        """Return which request [T, N] each user makes in each slot of a trace."""
        first, last = np.searchsorted(log.slot, [number * shape.slots, (number + 1) * shape.slots])
        rows = np.arange(first, last)
        slot, user = log.slot[rows] - number * shape.slots, log.user[rows]
        _, kept = np.unique(slot * (user.max(initial=0) + 1) + user, return_index=True)
        rows, slot, user = rows[kept], slot[kept], user[kept]
        chosen = self._chosen(user, log.user[first:last], shape, number)
        asked = np.full((shape.slots, shape.users), -1)
        place = {name: n for n, name in enumerate(chosen)}
        column = np.array([place.get(name, -1) for name in user.tolist()], dtype=np.int64)
        asked[slot[column >= 0], column[column >= 0]] = rows[column >= 0]
        if fallback is not None:
            any_request = first + (fallback * (last - first)).astype(np.int64)
            return np.where(asked >= 0, asked, any_request)
        # Each idle slot takes the slot before; those before the first request take the first.
        here = np.where(asked >= 0, np.arange(shape.slots)[:, None], -1)
        before = np.maximum.accumulate(here, axis=0)
        source = np.where(before >= 0, before, (asked >= 0).argmax(axis=0))
        return np.take_along_axis(asked, source, axis=0)

    def _chosen(self, user: Array, in_order: Array, shape: Shape, number: int) -> list[int]:
        """Return the users of a trace, in the order of their first request in it."""
        active = Counter(user.tolist())
        known = list(dict.fromkeys(in_order.tolist()))
        if self.idle == "drop":
            known = [name for name in known if active[name] == shape.slots]
        if len(known) < shape.users:
            who = "users without an idle slot" if self.idle == "drop" else "users"
            with in_file(self.file):
                rule = f"must be at most {len(known)}, the {who} in trace {number}"
                raise InputError("users", rule, str(shape.users))
        if self.users_from == "active":
            most = set(sorted(known, key=lambda name: -active[name])[: shape.users])
            known = [name for name in known if name in most]
        return known[: shape.users]


@lru_cache(maxsize=16)
def _requests(log: RequestLog, models: int, slot_s: float, stamp: tuple[int, int] | None) -> LogRequests:
    """Read the requests; the stamp has a file that was written meanwhile read again."""
    named = log.columns
    wanted = [name for name in (named.time, named.user, named.item, named.input, named.output) if name]
    columns = read_columns(log.file, wanted, log.sha256)
    with in_file(log.file):
        cells = columns[named.time]
        if not cells:
            raise InputError("file", "must hold a request", "none")
        time_s, window = _times(log, cells, named.time), log.window
        for name, moment in (("window.begin", window.begin), ("window.end", window.end)):
            if moment is not None and _is_date(moment) != _is_date(cells[0]):
                raise InputError(name, f"must be written as the log's {excerpt(cells[0])}", excerpt(moment))
        begin = time_s.min() if window.begin is None else _times(log, [window.begin], "window.begin")[0]
        end = np.inf if window.end is None else _times(log, [window.end], "window.end")[0]
        inside = (time_s >= begin) & (time_s < end)
        order = np.flatnonzero(inside)
        order = order[np.argsort(time_s[order], kind="stable")]
        if len(order) == 0:
            raise InputError("window", "must hold a request", f"none of {len(time_s)}")
        for name in filter(None, (named.item, named.user)):
            check_filled(name, columns[name], order.tolist())
        asked = [columns[named.item][row] for row in order.tolist()]
        items = [item for item, _ in Counter(asked).most_common()]  # of equals, the one seen first
        listed = items if log.others == "last" else items[:models]
        number = {item: min(m, models - 1) for m, item in enumerate(listed)}
        model = np.array([number.get(item, -1) for item in asked])
        kept, model = order[model >= 0], model[model >= 0]
        with np.errstate(over="ignore", invalid="ignore"):
            slot = (time_s[kept] - begin) // slot_s
        if not slot.max() < _MOST_SLOTS:
            rule = "must be so long that the log has fewer than 2^53 slots"
            raise InputError("slot_s", rule, f"{slot_s:g}", "or cut the log with a window")
        people: dict[str, int] = {}
        if named.user:
            texts = columns[named.user]
            user = np.array([people.setdefault(texts[row], len(people)) for row in kept.tolist()])
        else:
            user = np.arange(len(slot)) - np.searchsorted(slot, slot)
        return LogRequests(
            slot=slot.astype(np.int64), user=user, model=model,
            input_bits=_sizes(log, columns, named.input, log.input_unit, kept),
            output_bits=_means(_sizes(log, columns, named.output, log.output_unit, kept), model, models),
            rows=len(time_s), outside=len(time_s) - len(order), unlisted=len(order) - len(kept),
            items=tuple(items[:models]),
        )  # fmt: skip


def _is_date(text: float | str) -> bool:
    return isinstance(text, str) and np.isnan(number(text))


def _times(log: RequestLog, cells: Sequence[float | str], column: str) -> Array:
    """Return times in seconds, all of them numbers of the log's unit, or all dates and times."""
    if not _is_date(cells[0]):
        return numbers(column, cells) * units.TIME_UNITS[log.time_unit]
    return np.array([_date_s(cell, f"{column}[{row}]") for row, cell in enumerate(cells)])


def _date_s(text: float | str, field: str) -> float:
    try:
        when = datetime.fromisoformat(str(text).strip())
    except ValueError:
        raise InputError(field, "must be a number, or a date and time in ISO 8601", excerpt(text)) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _sizes(
    log: RequestLog, columns: Mapping[str, list[str]], name: str | None, unit: Unit, rows: Array
) -> Array | None:
    """Return the sizes of the requests in bit; None if the log has none."""
    if name is None:
        return None
    sizes = numbers(name, [columns[name][row] for row in rows.tolist()])
    if bad := np.flatnonzero(sizes <= 0.0).tolist():
        row = int(rows[bad[0]])
        raise InputError(f"{name}[{row}]", "must be > 0", excerpt(columns[name][row]))
    bytes_a_token = log.bytes_a_token * units.DATA_UNITS["byte"]
    return np.asarray(sizes * (bytes_a_token if unit == "token" else units.DATA_UNITS[unit]))


def _means(bits: Array | None, model: Array, models: int) -> Array | None:
    """Return the mean by model; a model that nobody asks for has the mean of all."""
    if bits is None:
        return None
    count = np.bincount(model, minlength=models)
    total = np.bincount(model, weights=bits, minlength=models)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), bits.mean()))
