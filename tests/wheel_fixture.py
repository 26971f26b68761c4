"""mincache as a user has it: the wheel in an empty environment, with the sources out of the way."""

from __future__ import annotations

import atexit
import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_DRIVER = """
import gc, importlib, json, os, pkgutil, sys, traceback
import altair, mincache.analysis.explanation, mincache.site.build, torch  # as verbs do
import mincache.cli
for verb in pkgutil.iter_modules(mincache.cli.__path__):
    importlib.import_module(f"mincache.cli.{verb.name}")
gc.freeze()  # a collection in a fork would copy all of this
for line in sys.stdin:
    words, folder, printed, told = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        for number, file in enumerate((os.devnull, printed, told)):
            os.dup2(os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        sys.argv, sys.stdin = words, open(0)
        code = 1
        try:
            mincache.cli.main.main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # to take all of this down would copy it too
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs each command line in a fork of a process that has imported mincache already."""
_SOURCES = ("mincache", "solvers", "instances", "pyproject.toml", "README.md", "LICENSE")


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it.

    Attributes:
        wheel: the wheel's file.
        folder: the environment.
        compiled: whether numba compiles there: anew for each environment, that would take a minute.
    """

    wheel: Path
    folder: Path
    compiled: bool = False

    @property
    def site_packages(self) -> Path:
        """Where the environment keeps what is installed in it."""
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.folder)}))

    @property
    def variables(self) -> dict[str, str]:
        """The variables of a shell in which the environment is active; pip then asks no network."""
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return inherited | {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.folder),
            "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this one the other way round
            "NUMBA_DISABLE_JIT": str(int(not self.compiled)),
        }  # fmt: skip

    @contextmanager
    def kept_as_it_is(self) -> Iterator[None]:
        """Take away at the end what was installed meanwhile."""
        before = set(self.site_packages.glob("*.dist-info"))
        yield
        added = [path.name.partition("-")[0] for path in set(self.site_packages.glob("*.dist-info")) - before]
        if added:
            done = self.run("pip", "uninstall", "--quiet", "--yes", *added, cwd=self.folder)
            assert done.returncode == 0, done.stderr

    def run(self, *command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command with the environment active."""
        words = list(map(str, command))
        return subprocess.run(words, cwd=cwd, env=self.variables, capture_output=True, text=True, check=False)

    def shell(self, line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a line of bash with the environment active; a plain line of mincache without the shell."""
        if line.startswith("mincache ") and not set("|&;<>$`*~") & set(re.sub(r"'[^']*'", "", line)):
            return self._forked(shlex.split(line, comments=True), cwd)
        return self.run("bash", "-ec", line, cwd=cwd)

    def _forked(self, words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
        files = [str(self.folder / name) for name in ("printed.txt", "told.txt")]
        driver = self._driver
        assert driver.stdin is not None
        assert driver.stdout is not None
        print(json.dumps([words, str(cwd), *files]), file=driver.stdin, flush=True)
        code = int(driver.stdout.readline())
        printed, told = (Path(file).read_text() for file in files)
        return subprocess.CompletedProcess(words, code, printed, told)

    @functools.cached_property
    def _driver(self) -> subprocess.Popen[str]:
        command = [str(self.folder / "bin" / "python"), "-P", "-c", _DRIVER]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        driver = subprocess.Popen(command, env=self.variables, cwd=self.folder, text=True, **pipes)
        atexit.register(driver.communicate)  # which closes its input, so that it ends
        return driver


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The environment; built once, whatever modules ask for it."""
    return _install(tmp_path_factory.getbasetemp() / "installed")


@functools.cache
def _install(folder: Path) -> Installed:
    made = Installed(_build(folder), folder / "environment")
    venv.create(made.folder, with_pip=False, symlinks=True)
    # The libraries come from this environment: a path in a .pth file brings no editable mincache along.
    libraries = [path for path in sys.path if Path(path).name == "site-packages"]
    (made.site_packages / "libraries.pth").write_text("\n".join(libraries) + "\n")
    pip = made.folder / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{made.folder}/bin/python" -m pip "$@"\n')
    pip.chmod(0o755)
    done = made.run("pip", "install", "--quiet", "--force-reinstall", made.wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    return made


def _build(folder: Path) -> Path:
    """Build the wheel from a copy of the sources, free of what earlier builds have left."""
    copy = folder / "sources"
    copy.mkdir(parents=True)
    for name in _SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.part"))
        else:
            shutil.copy(source, copy / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(copy)
    (wheel,) = folder.glob("*.whl")
    return wheel
