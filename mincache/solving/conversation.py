"""An online policy that is a program: a line of JSON at a time through its pipes, each in its turn."""

import json
import os
import select
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np

from mincache.errors import InputError, excerpt
from mincache.files.documents import instance_bytes, parse_json
from mincache.problem.popularity import Popularity
from mincache.problem.quantity import Array, quantities
from mincache.problem.revealed import Shares, ShownSlot, Site
from mincache.solving.online import OnlinePolicy

SITE_FORMAT = "mincache-site/1"
MOST_LINE_BYTES = 1 << 20
_BYTES_AT_ONCE = 1 << 16
_NULL = b"null"


class Conversation(OnlinePolicy):
    """What a program decides at one site; `close` ends the program, whatever happened.

    Args:
        site: what its first line tells.
        information: `past` or `slot`: whether it writes a cache before or after it is shown the slot.
        process: the program, with pipes to its standard input and from its standard output.
        remaining: the seconds left for it to answer.
        stop: ends it, and what it has started.
    """

    def __init__(
        self, site: Site, information: str, process: subprocess.Popen[bytes],
        remaining: Callable[[], float], stop: Callable[[], None],
    ) -> None:  # fmt: skip
        super().__init__(site)
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._remaining, self._stop = process, remaining, stop
        self._input, self._output = process.stdin.fileno(), process.stdout.fileno()
        self._rest, self._slot = b"", 0
        os.set_blocking(self._input, False)
        self._write(_told(site) | {"information": information})

    def place(self) -> Array:
        """Return the cache of the program's next line."""
        return self._row("cache", self._object("cache"), self.site.model_count)

    def observe(self, slot: ShownSlot) -> None:
        """Write the slot, unless the program has written what it was not asked for yet."""
        if self._rest or select.select([self._output], [], [], 0.0)[0]:
            self._read_more()
        if self._rest:
            raise self._refusal("must wait for its turn", f"{excerpt(self._rest)} before the slot was shown")
        self._slot = slot.number
        named = dict(zip(ShownSlot._fields[1:], (values.tolist() for values in slot[1:]), strict=True))
        self._write({"slot": slot.number, **named})

    def serve(self, slot: ShownSlot) -> Shares:
        """Return the shares of the program's next line, the best ones for `null`; the last ends it."""
        names = ("bandwidth_share", "step_share")
        found = self._object(*names, null=True)
        shares = super().serve(slot)
        if found is not None:
            shares = Shares(*(self._row(name, found, self.site.user_count) for name in names))
        self._slot += 1
        if self._slot == self.site.slot_count:
            self._end()
        return shares

    def close(self) -> None:
        """End the program."""
        self._stop()

    def _end(self) -> None:
        """Close the program's input, and see that it ends by itself, without another line."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        while self._read_more():
            pass
        if self._rest:
            raise self._refusal("must write nothing after its last slot", excerpt(self._rest))
        if ended := self._ended():
            raise self._refusal("must end with exit status 0", ended)

    def _ended(self) -> str:
        """Return how the program ended, or nothing where it ended well."""
        try:
            status = self._process.wait(_seconds(self._remaining()))
        except subprocess.TimeoutExpired:
            return "it closed its output and went on"
        return f"it ended by signal {-status}" if status < 0 else f"exit status {status}" * bool(status)

    def _object(self, *names: str, null: bool = False) -> dict[str, Any] | None:
        """Return the object of the next line, which has exactly these names; None for `null`."""
        line = self._line()
        if null and line.strip() == _NULL:
            return None
        rule = f"must be an object with {' and '.join(names)}{' or null' * null}"
        try:
            found = parse_json(line)
        except InputError as error:
            raise self._refusal(f"must write JSON: {error.rule}", error.received) from None
        if set(found) != set(names):
            raise self._refusal(f"its line {rule}", excerpt(line))
        return found

    def _row(self, name: str, found: dict[str, Any] | None, count: int) -> Array:
        values = [] if found is None else found[name]
        numbers = isinstance(values, list) and all(type(one) in (int, float) for one in values)
        if not numbers or len(values) != count:
            raise self._refusal(f"must write {name} as {count} numbers", excerpt(values))
        return np.array(values, dtype=np.float64)

    def _line(self) -> bytes:
        while b"\n" not in self._rest:
            if not self._read_more():
                where = f"must write a line for slot {self._slot}"
                raise self._refusal(where, self._ended() or "it ended", "see what it printed")
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _read_more(self) -> bool:
        """Wait for more output of the program; return whether there may be still more."""
        if not select.select([self._output], [], [], _seconds(self._remaining()))[0]:
            raise self._refusal("must answer in time", f"nothing for slot {self._slot}")
        received = os.read(self._output, _BYTES_AT_ONCE)
        self._rest += received
        if len(self._rest) > MOST_LINE_BYTES:
            raise self._refusal(f"must write lines of at most {MOST_LINE_BYTES} bytes", "a longer one")
        return bool(received)

    def _write(self, document: dict[str, Any]) -> None:
        data = json.dumps(document, separators=(",", ":")).encode() + b"\n"
        while data:
            if not select.select([], [self._input], [], _seconds(self._remaining()))[1]:
                raise self._refusal("must read its lines in time", f"slot {self._slot} was not read")
            try:
                data = data[os.write(self._input, data[:_BYTES_AT_ONCE]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._refusal("must read all slots", self._ended() or "it ended") from None

    def _refusal(self, rule: str, received: str, advice: str = "") -> InputError:
        self._stop()
        return InputError("external", rule, received, advice)


def _told(site: Site) -> dict[str, Any]:
    """Return what a program is told before the first slot: a blank instance's document without a trace."""
    document = json.loads(instance_bytes(site.blank))
    known = {key: value for key, value in document.items() if key not in ("format", "name", "trace")}
    chain = site.popularity
    told = chain and {name: np.asarray(getattr(chain, name)).tolist() for name in quantities(Popularity)}
    return {"format": SITE_FORMAT, "slots": site.slot_count, **known, "popularity": told}


def _seconds(remaining: float) -> float | None:
    return None if remaining > 1e9 else max(remaining, 0.0)
