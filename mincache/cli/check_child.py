"""Running the checks of a solver in a child process, so that one that crashes or hangs is told as well."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection

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
    context = multiprocessing.get_context("spawn")
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=_check, args=(spec, writing))
    process.start()
    assert process.pid is not None  # it has started
    writing.close()
    last = "the start"
    try:
        while reading.poll(min(patience_s, _LONGEST_WAIT_S)):
            message = json.loads(reading.recv_bytes())
            if "refused" in message:
                raise MincacheError(message["refused"])
            if "end" in message:
                return
            yield Check(**message)
            last = message["name"]
        seen = f"nothing for {patience_s:g} s after {last!r}"
        yield Check(_GONE, "failed", seen, "look at run.should_stop() in every loop; --patience waits longer")
    except EOFError:
        process.join()
        status = process.exitcode or 0
        ended = signal.Signals(-status).name if status < 0 else f"exit status {status}"
        advice = "run it under `python -X faulthandler` to see where"
        yield Check(_GONE, "failed", f"the process ended with {ended} after {last!r}", advice)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
        reading.close()


def _check(spec: str, pipe: Connection) -> None:
    """Check a solver, and send each result as JSON."""
    os.setsid()  # so that all that the solver starts can be ended
    os.dup2(2, 1)  # what it prints must not mix with the results
    try:
        for check in iter_checks(spec):
            pipe.send_bytes(json.dumps(asdict(check)).encode())
        pipe.send_bytes(b'{"end": true}')
    except MincacheError as error:
        pipe.send_bytes(json.dumps({"refused": str(error)}).encode())
    sys.stdout.flush()
    os._exit(0)  # whatever threads the solver has left
