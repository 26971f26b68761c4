"""`external`: any program that reads an instance document and writes a solution document."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from mincache import InputError, Instance, OnlineSolver, Run, Solution, Solver
from mincache.errors import closest, did_you_mean, excerpt
from mincache.files.documents import parse_solution, read_bytes, write_instance
from mincache.files.paths import absolute_path, script_files
from mincache.problem.instance import RULES
from mincache.problem.revealed import Site
from mincache.solving.conversation import Conversation

PLACES = ("instance", "solution", "seconds", "seed")
_PLACE = re.compile(r"\{(" + "|".join(PLACES) + r")\}")
_LOOK_EVERY_S = 0.05
_BYTES_AT_ONCE = 2**16
_WITHOUT_LIMIT_S = 1e9  # what a program is told where there is no limit; any language reads it


@dataclass(frozen=True)
class External(OnlineSolver):
    """Run a program, in whatever language, that reads an instance and writes a solution.

    The command is split into words as a shell does it, but no shell runs it. The words `{instance}` and
    `{solution}` become the paths of the two documents, `{seconds}` the time the program has, `{seed}` a
    whole number below 2^31. The program works in an empty folder; a word that begins with `./` or `../` is
    a path from the folder in which mincache was started.

    Half of `reserve_s` before the time is up the program and what it has started get SIGTERM, a quarter
    later SIGKILL. A solution written by then counts; a program that ends by itself must end with status 0.

    On its standard output a line `incumbent FILE` reports a solution document, and `bound NUMBER` a lower
    bound on the cost; all other lines go to standard error.

    With `information` at `past` or `slot` it reads and writes no files, but speaks with `Conversation` by
    lines of JSON on its standard input and output, and sees each slot in its turn.

    Attributes:
        command: the program and its arguments.
        reserve_s: seconds of the limit that `{seconds}` leaves out, for ending the program and reading its
            answer.
        rules: what it keeps beyond the paper's problem, such as `frame_slots+steps_floor`.
        deterministic: whether its answer does not depend on `{seed}`; then one run is enough.
        name: what tables call it.
        information: what it sees before it decides: `trace` (all), `slot` or `past`.
        files: identifies the content of the files in the command; found out if it is not given.
    """

    stochastic = True

    command: str = ""
    reserve_s: float = 0.2
    rules: str = ""  # type: ignore[assignment,misc]  # here a parameter says what elsewhere a class does
    deterministic: bool = False
    name: str = ""
    information: Literal["trace", "slot", "past"] = "trace"  # type: ignore[assignment,misc]  # as `rules`
    files: str = ""

    def __post_init__(self) -> None:
        for rule in self.kept_rules():
            if rule not in RULES:
                advice = did_you_mean(rule, RULES)
                raise InputError("external.rules", "must be rules, joined by +", excerpt(rule), advice)
        object.__setattr__(self, "stochastic", not self.deterministic)
        if not 0 < self.reserve_s < math.inf:
            raise InputError("external.reserve_s", "must be positive and finite", str(self.reserve_s))
        words = _words(self.command)
        _check_places(self.command, by_files=self.information == "trace")
        _check_program(words[0])
        found = _digest(words)
        if self.files not in ("", found):
            rule = "must match the files of the command"
            raise InputError("external.files", rule, excerpt(self.files), "leave it out")
        object.__setattr__(self, "files", found)

    def kept_rules(self) -> tuple[str, ...]:
        """Return the rules that the parameter names."""
        return tuple(filter(None, self.rules.split("+")))

    def data_files(self) -> list[Path]:
        """Return the files that the command names, and those beside them that these name."""
        return [path for word in _words(self.command) if "/" in word for path in script_files(Path(word))]

    def supports(self, instance: Instance) -> str | None:
        """Return None, or which rule the program does not keep."""
        return Solver.supports(self, instance)

    def begin(self, site: Site, run: Run) -> Conversation:
        """Return the program, started and told of the site; it is ended with the reserve left."""
        folder = tempfile.TemporaryDirectory(prefix="mincache-", ignore_cleanup_errors=True)
        process = self._start(Path(folder.name), run, subprocess.PIPE)

        def stop() -> None:
            with contextlib.suppress(OSError), process:
                _signal_group(process, signal.SIGKILL)
            folder.cleanup()

        remaining = lambda: run.remaining() - self.reserve_s / 2  # noqa: E731
        return Conversation(site, self.information, process, remaining, stop)

    def solve(self, instance: Instance, run: Run) -> Solution:
        """Return what the program has written.

        Raises:
            InputError: if it fails, or writes anything but a solution of `instance`.
        """
        if self.information != "trace":
            return super().solve(instance, run)
        with tempfile.TemporaryDirectory(prefix="mincache-", ignore_cleanup_errors=True) as folder:
            write_instance(instance, Path(folder, "instance.json"))
            process = self._start(Path(folder), run, subprocess.DEVNULL)
            status = _wait(process, run, self.reserve_s, partial(_report, Path(folder), instance, run))
            return _answer(Path(folder, "solution.json"), instance, status)

    def _start(self, folder: Path, run: Run, stdin: int) -> subprocess.Popen[bytes]:
        seconds = max(0.0, min(run.remaining() - self.reserve_s, _WITHOUT_LIMIT_S))
        values = {
            "instance": str(folder / "instance.json"), "solution": str(folder / "solution.json"),
            "seconds": f"{seconds:.3f}", "seed": str(int(run.rng.integers(2**31))),
        }  # fmt: skip
        command = [_PLACE.sub(lambda place: values[place[1]], word) for word in _words(self.command)]
        try:
            return subprocess.Popen(
                command, cwd=folder, stdin=stdin, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            advice = "a script must begin with a line such as #!/bin/sh"
            raise InputError("external", "must be a program", error.strerror or str(error), advice) from None


def _answer(path: Path, instance: Instance, status: int | None) -> Solution:
    if status:
        ended = f"ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
        raise InputError("external", "must end with exit status 0", ended, "see what it printed")
    if not path.exists():
        ended = "it was stopped without" if status is None else "it ended without"
        raise InputError("external", "must write its solution to {solution}", ended)
    return _read(path, instance)


def _read(path: Path, instance: Instance) -> Solution:
    try:
        solution = parse_solution(read_bytes(path))
        solution.check_answers(instance)
    except InputError as error:
        raise InputError(f"external: {error.field}", error.rule, error.received, error.advice) from None
    return solution


def _report(folder: Path, instance: Instance, run: Run, line: bytes) -> None:
    """Report what a line of the program's output says; a line that reports nothing goes to standard error."""
    word, _, rest = line.decode(errors="replace").strip().partition(" ")
    if word == "incumbent":
        run.report(_read(folder / rest, instance))
    elif word == "bound":
        try:
            run.report(bound=float(rest))
        except ValueError:
            raise InputError("external", "must print a number after `bound`", excerpt(rest)) from None
    else:
        # Standard output is for what mincache was asked for.
        os.write(2, line)


def _words(command: str) -> list[str]:
    """Return the words of a command, paths in it absolute."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError("external.command", "must be words as in a shell", str(error)) from None
    words = [str(absolute_path(word)) if word.startswith(("./", "../")) else word for word in words]
    for word in words[1:]:
        if "/" not in word and "." in word and absolute_path(word).is_file():
            advice = f"write ./{word}: the program works in a folder of its own"
            raise InputError("external.command", "must name files by a path", excerpt(word), advice)
    return words


def _check_places(command: str, by_files: bool) -> None:
    for place in re.findall(r"\{(\w+)\}", command):
        near = closest(place, PLACES)
        if place not in PLACES and near:  # others may be the program's own, as awk's are
            raise InputError("external.command", f"must be {{{near}}}", f"{{{place}}}")
    for place in PLACES[:2]:
        named = f"{{{place}}}" in command
        if named and not by_files:
            rule = f"must not name {{{place}}} beside information, which has no files"
            raise InputError("external.command", rule, excerpt(command))
        if by_files and not named:
            advice = 'such as external[command="./solve {instance} {solution} {seconds} {seed}"]'
            raise InputError("external.command", f"must name {{{place}}}", excerpt(command), advice)


def _check_program(program: str) -> None:
    if "/" in program and not Path(program).is_file():
        raise InputError("external.command", "must begin with a program that exists", excerpt(program))
    if shutil.which(program) is None:
        advice = f"make it executable: chmod +x {program}" if "/" in program else "write ./ before a file"
        raise InputError("external.command", "must begin with a program to run", excerpt(program), advice)


def _digest(words: list[str]) -> str:
    """Return 12 hexadecimal digits that change with the content of a file in the command; "" without one."""
    content = [Path(word).read_bytes() for word in words if "/" in word and Path(word).is_file()]
    sized = (len(one).to_bytes(8) + one for one in content)
    return hashlib.sha256(b"".join(sized)).hexdigest()[:12] if content else ""


def _wait(
    process: subprocess.Popen[bytes], run: Run, reserve_s: float, heard: Callable[[bytes], None]
) -> int | None:
    """Wait for a program until it ends or its time does; nothing that it has started is left behind."""
    stops = ((reserve_s / 2, signal.SIGTERM), (reserve_s / 4, signal.SIGKILL))
    output = _Output(process, heard)
    try:
        for kept_s, number in stops:
            while process.poll() is None and (left_s := run.remaining() - kept_s) > 0.0:
                output.listen(min(left_s, _LOOK_EVERY_S))
            if process.poll() is not None:
                return process.returncode if number is signal.SIGTERM else None
            _signal_group(process, number)
        return None
    finally:
        _signal_group(process, signal.SIGKILL)
        process.wait()
        output.close()


class _Output:
    """The lines that a program prints, each handed to `heard` as it comes."""

    def __init__(self, process: subprocess.Popen[bytes], heard: Callable[[bytes], None]) -> None:
        assert process.stdout is not None
        self._process, self._pipe, self._heard, self._rest = process, process.stdout, heard, b""
        os.set_blocking(self._pipe.fileno(), False)

    def listen(self, seconds: float) -> bool:
        """Hear what comes within these seconds, if anything does; return whether more may come."""
        ready, _, _ = select.select([self._pipe], [], [], seconds)
        received = self._pipe.read(_BYTES_AT_ONCE) if ready else None
        if received == b"":  # it has closed its output
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
            return False
        *lines, self._rest = (self._rest + (received or b"")).split(b"\n")
        for line in lines:
            self._heard(line + b"\n")
        if len(self._rest) > _BYTES_AT_ONCE:  # no line that reports anything
            self._heard(self._rest)
            self._rest = b""
        return bool(received)

    def close(self) -> None:
        """Hear what is left."""
        with self._pipe:
            while self.listen(0.0):
                pass
            if self._rest:
                self._heard(self._rest)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
