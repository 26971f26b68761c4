# ruff: noqa: D102  # what `solve` does stands in the class docstring
"""A solver that tries to reach what is not its own, and tells what it could."""

import ctypes
import hashlib
import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mincache import Instance, Run, Solution, Solver

SEGMENT_BYTES = 123_457 * 4096
"""Of System V's memory, so that it is known again."""


@dataclass(frozen=True)
class Escapes(Solver):
    """Try every escape, and print which have worked.

    Attributes:
        outside: JSON, with single quotes, of a folder, a port, a name and a place that lie outside.
    """

    outside: str = "{}"

    def solve(self, instance: Instance, run: Run) -> Solution:
        place = json.loads(self.outside.replace("'", '"'))
        folder = Path(place["folder"])
        tries: dict[str, Callable[[], object]] = {
            "read_solution": lambda: next(Path(place["instances"]).glob("*/solutions/*")).read_bytes(),
            "read_board": lambda: (folder / "board/solutions.jsonl.xz").read_bytes(),
            "read_records": lambda: (folder / "records.jsonl").read_bytes(),
            "write_records": lambda: (folder / "records.jsonl").open("a").write("{}\n"),
            "read_home": lambda: (folder / "home/secret").read_bytes(),
            "read_cache": lambda: (folder / "cache").read_bytes(),
            "write_beside_solver": lambda: Path(__file__).with_suffix(".pyc").write_text("x"),
            "leave_file": lambda: (folder / "left").write_text("x"),
            "leave_shared_memory": lambda: Path("/dev/shm/mincache-escape").write_text("x"),
            "leave_system_v_memory": _leave_system_v_memory,
            "see_processes": _see_processes,
            "read_environment_of_parent": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes()[0],
            "signal_parent": lambda: os.kill(os.getppid() or 1 << 22, 0),
            "connect": lambda: socket.create_connection(("127.0.0.1", place["port"]), 1.0),
            "connect_by_path": lambda: socket.socket(socket.AF_UNIX).connect(str(folder / "socket")),
            "connect_abstract": lambda: socket.socket(socket.AF_UNIX).connect(f"\0{place['name']}"),
            "see_sizes": lambda: (folder / "home/secret").stat(),
            "find_rivals_word": _find_rivals_word,
            "find_own_word": _find_own_word,
            "see_secret_variable": lambda: os.environ["MINCACHE_TEST_SECRET"],
            "read_past_masks": lambda: _read_past_masks(place["instances"]),
        }
        print("TOLD" + json.dumps({name: _works(one) for name, one in tries.items()}), flush=True)
        return Solution.nothing_cached(instance)


def _works(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except Exception:
        return False
    return True


def _leave_system_v_memory() -> None:
    private, create = 0, 0o1000 | 0o600
    if ctypes.CDLL(None).shmget(private, SEGMENT_BYTES, create) < 0:
        raise PermissionError


def _see_processes() -> None:
    found = [one for one in Path("/proc").glob("[0-9]*") if _works((one / "cmdline").read_bytes)]
    if len(found) < 4:  # pid 1 of the run, and itself
        raise PermissionError


def _find_rivals_word() -> None:
    """Look in all memory for what a rival has said, of which this process has the halves alone."""
    one, other = halves()
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, *_ = line.split()
        if not rights.startswith("rw") or "[v" in line:
            continue
        low, high = (int(number, 16) for number in span.split("-"))
        with Path("/proc/self/mem").open("rb") as memory:
            memory.seek(low)
            data = memory.read(high - low)
        place = data.find(one)
        while place >= 0:
            if data[place + len(one) :].startswith(other):
                return
            place = data.find(one, place + 1)
    raise LookupError


def _find_own_word() -> None:
    kept = b"".join(halves())
    _find_rivals_word()
    assert kept


def halves() -> tuple[bytes, bytes]:
    """Return the word of `Rival` in two parts."""
    digest = hashlib.sha256(b"rival").digest()
    return digest[:16].hex().encode(), digest[16:].hex().encode()


@dataclass(frozen=True)
class Rival(Solver):
    """Say a word that nobody else knows."""

    def solve(self, instance: Instance, run: Run) -> Solution:
        raise ValueError(b"".join(halves()).decode())


def _read_past_masks(place: str) -> None:
    """Lay off what hides a suite's solutions, as one who is root in a namespace of their own."""
    library, user_and_mounts, detach = ctypes.CDLL(None), 0x10020000, 2
    library.unshare(user_and_mounts)
    for folder in Path(place).iterdir():
        library.umount2(str(folder).encode(), detach)
    next(Path(place).glob("*/solutions/*")).read_bytes()
