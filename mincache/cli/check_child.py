"""Running the checks of a solver in a child process, so that one that crashes or hangs is told as well."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from mincache.errors import MincacheError
from mincache.solving.conformance import Check, iter_checks

_LONGEST_WAIT_S = 1e6
_GONE = "all checks run to their end"


def checks_of(spec: str, patience_s: float) -> Iterator[Check]:
    """Yield the result of each check of a solver; a failure where it ends or hangs the process.

    Args:
        spec: as in `registry.make`.
        patience_s: seconds that one check may take.

    Raises:
        MincacheError: if there is no such solver, or its parameters cannot be read.
    """
    reading, writing = os.pipe()
    # -P: nothing is imported from the current folder; -u: what a solver prints is out before the process
    # is ended; its own session, so that all of it can be ended.
    process = subprocess.Popen(
        [sys.executable, "-u", "-P", "-m", "mincache.cli.check_child", spec, str(writing)],
        pass_fds=[writing],
        stdin=subprocess.DEVNULL,
        stdout=2,  # what a solver prints must not mix with the results
        start_new_session=True,
    )
    os.close(writing)
    try:
        yield from _results(reading, process, patience_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(reading)


def _results(pipe: int, process: subprocess.Popen[bytes], patience_s: float) -> Iterator[Check]:
    last = "the start"
    for line in _lines(pipe, patience_s):
        if line is None:
            seen = f"nothing for {patience_s:g} s after {last!r}"
            yield Check(
                _GONE, "failed", seen, "look at run.should_stop() in every loop; --patience waits longer"
            )
            return
        message: dict[str, Any] = json.loads(line)
        if "refused" in message:
            raise MincacheError(message["refused"])
        if "end" in message:
            return
        yield Check(**message)
        last = message["name"]
    status = process.wait()
    ended = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    advice = "run it under `python -X faulthandler` to see where"
    yield Check(_GONE, "failed", f"the process ended with {ended} after {last!r}", advice)


def _lines(pipe: int, patience_s: float) -> Iterator[bytes | None]:
    """Yield each line that comes over a pipe until it is closed; None where none comes in time."""
    rest = b""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while poll.poll(1000 * min(patience_s, _LONGEST_WAIT_S)):
        data = os.read(pipe, 1 << 16)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
    yield None


def main() -> None:
    """Check a solver, and write each result as a line of JSON to a descriptor."""
    spec, descriptor = sys.argv[1], int(sys.argv[2])
    try:
        for check in iter_checks(spec):
            _write(descriptor, asdict(check))
        _write(descriptor, {"end": True})
    except MincacheError as error:
        _write(descriptor, {"refused": str(error)})
    os._exit(0)  # whatever threads the solver has left


def _write(descriptor: int, message: dict[str, Any]) -> None:
    os.write(descriptor, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
