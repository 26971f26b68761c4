"""`external`: any program that reads an instance document and writes a solution document."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mincache import InputError, Instance, Run, Solution, Solver
from mincache.errors import closest, excerpt
from mincache.files.documents import parse_solution, read_bytes, write_instance
from mincache.files.paths import absolute_path, script_files

PLACES = ("instance", "solution", "seconds", "seed")
_NEEDED = PLACES[:2]
_WITHOUT_LIMIT_S = 1e9  # what a program is told where there is no limit; any language reads it


@dataclass(frozen=True)
class External(Solver):
    """Run a program, in whatever language, that reads an instance and writes a solution.

    The command is split into words as a shell does it, but no shell runs it. The words `{instance}` and
    `{solution}` become the paths of the two documents, `{seconds}` the time the program has, `{seed}` a
    whole number below 2^31. The program works in an empty folder; a word that begins with `./` or `../` is
    a path from the folder in which mincache was started.

    Half of `reserve_s` before the time is up the program and what it has started get SIGTERM, a quarter
    later SIGKILL. A solution written by then counts; a program that ends by itself must end with status 0.

    Attributes:
        command: the program and its arguments.
        reserve_s: seconds of the limit that `{seconds}` leaves out, for ending the program and reading its
            answer.
        files: identifies the content of the files in the command; found out if it is not given.
    """

    stochastic: ClassVar[bool] = True

    command: str = ""
    reserve_s: float = 0.2
    files: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.reserve_s < math.inf:
            raise InputError("external.reserve_s", "must be positive and finite", str(self.reserve_s))
        words = _words(self.command)
        _check_program(words[0])
        found = _digest(words)
        if self.files not in ("", found):
            raise InputError(
                "external.files", "must be those of the command", excerpt(self.files), "leave it out"
            )
        object.__setattr__(self, "files", found)

    def data_files(self) -> list[Path]:
        """Return the files that the command names, and those beside them that these name."""
        return [path for word in _words(self.command) if "/" in word for path in script_files(Path(word))]

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return what the program has written.

        Raises:
            InputError: if it fails, or writes anything but a solution of `instance`.
        """
        with tempfile.TemporaryDirectory(prefix="mincache-", ignore_cleanup_errors=True) as folder:
            write_instance(instance, Path(folder, "instance.json"))
            status = self._execute(Path(folder), run)
            return self._answer(Path(folder, "solution.json"), instance, status)

    def _execute(self, folder: Path, run: Run) -> int | None:
        """Run the program; return its exit status, or None if it was stopped."""
        seconds = max(0.0, min(run.remaining() - self.reserve_s, _WITHOUT_LIMIT_S))
        values = {
            "instance": str(folder / "instance.json"), "solution": str(folder / "solution.json"),
            "seconds": f"{seconds:.3f}", "seed": str(int(run.rng.integers(2**31))),
        }  # fmt: skip
        command = [_PLACE.sub(lambda place: values[place[1]], word) for word in _words(self.command)]
        try:
            # Its output goes to standard error: standard output is for what mincache was asked for.
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True
            )
        except OSError as error:
            advice = "a script must begin with a line such as #!/bin/sh"
            raise InputError("external", "must be a program", error.strerror or str(error), advice) from None
        return _wait(process, run, self.reserve_s)

    def _answer(self, path: Path, instance: Instance, status: int | None) -> Solution:
        if status:
            ended = f"ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
            raise InputError("external", "must end with exit status 0", ended, "see what it printed")
        if not path.exists():
            ended = "it was stopped without" if status is None else "it ended without"
            raise InputError("external", "must write its solution to {solution}", ended)
        try:
            solution = parse_solution(read_bytes(path))
            solution.check_answers(instance)
        except InputError as error:
            raise InputError(f"external: {error.field}", error.rule, error.received, error.advice) from None
        return solution


_PLACE = re.compile(r"\{(" + "|".join(PLACES) + r")\}")


def _words(command: str) -> list[str]:
    """Return the words of a command, paths in it absolute.

    Raises:
        InputError: if it cannot be split, or lacks a place that it needs.
    """
    try:
        words = [str(absolute_path(word)) if _is_path(word) else word for word in shlex.split(command)]
    except ValueError as error:
        raise InputError("external.command", "must be words as in a shell", str(error)) from None
    for place in re.findall(r"\{(\w+)\}", command):
        near = closest(place, PLACES)
        if place not in PLACES and near:  # others may be the program's own, as awk's are
            raise InputError("external.command", f"must be {{{near}}}", f"{{{place}}}")
    for place in _NEEDED:
        if f"{{{place}}}" not in command:
            raise InputError(
                "external.command", f"must name {{{place}}}", excerpt(command), "such as "
                "external[command=\"./solve {instance} {solution} {seconds} {seed}\"]",
            )  # fmt: skip
    for word in words[1:]:
        if "/" not in word and "." in word and absolute_path(word).is_file():
            advice = f"write ./{word}: the program works in a folder of its own"
            raise InputError("external.command", "must name files by a path", excerpt(word), advice)
    return words


def _is_path(word: str) -> bool:
    return word.startswith(("./", "../"))


def _check_program(program: str) -> None:
    if "/" in program and not Path(program).is_file():
        raise InputError("external.command", "must begin with a program that exists", excerpt(program))
    if shutil.which(program) is None:
        advice = f"make it executable: chmod +x {program}" if "/" in program else "write ./ before a file"
        raise InputError("external.command", "must begin with a program to run", excerpt(program), advice)


def _digest(words: list[str]) -> str:
    """Return 12 hexadecimal digits that change with the content of a file in the command; "" without one.

    A program that is found by its name alone belongs to the machine, and does not count.
    """
    content = [Path(word).read_bytes() for word in words if "/" in word and Path(word).is_file()]
    return hashlib.sha256(b"".join(map(_sized, content))).hexdigest()[:12] if content else ""


def _sized(content: bytes) -> bytes:
    return len(content).to_bytes(8) + content


def _wait(process: subprocess.Popen[bytes], run: Run, reserve_s: float) -> int | None:
    """Wait for a program until it ends or its time does; nothing that it has started is left behind."""
    stops = ((reserve_s / 2, signal.SIGTERM), (reserve_s / 4, signal.SIGKILL))
    try:
        for kept_s, number in stops:
            left_s = max(0.0, run.remaining() - kept_s)
            try:
                status = process.wait(None if math.isinf(left_s) else left_s)
            except subprocess.TimeoutExpired:
                _signal_group(process, number)
            else:
                return status if number is signal.SIGTERM else None
        return None
    finally:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
