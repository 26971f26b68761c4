"""Check a release as its users get it: `make release-check`, and a small form in continuous integration.

It builds the source distribution and, from that, the wheel. It installs the wheel alone into an empty
environment and works with it. It runs the tests in the unpacked source distribution. With `--draft` the
changelog may say "unreleased", and a part of the tests is run.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
DRAFT_TESTS = ["tests/problem", "tests/files", "tests/test_packaging.py"]
VERBS = [
    "--version",
    "doctor",
    "solvers",
    "instances",
    "run smoke-v1 --solver all -o r",
    "leaderboard r",
    "solve smoke-v1.l0.n10.t0 --solver decomposition -o answer.json",
    "score smoke-v1.l0.n10.t0 answer.json",
    "generate --users 10 --libraries 1 --traces 1 --seed 7 -o drawn",
    "instances verify drawn",
]
"""What the wheel does with its core dependencies alone."""


def say(text: str) -> None:
    """Print a line at once, before what it announces begins."""
    print(f"release-check: {text}", flush=True)


def run(*command: object, cwd: Path = ROOT, **variables: str) -> None:
    """Run a command; end the check if it fails."""
    words = list(map(str, command))
    if subprocess.run(words, cwd=cwd, env=os.environ | variables, check=False).returncode:
        sys.exit(f"release-check: failed in {cwd}: {' '.join(words)}")


def version() -> str:
    """Give the version, from the one place where it is written."""
    (found,) = re.findall(
        r'^__version__ = "(.+)"$', (ROOT / "mincache" / "__init__.py").read_text(), re.MULTILINE
    )
    return found


def check_documents(draft: bool) -> None:
    """The changelog has the version, with its date but for a draft; the citation names it."""
    changelog, citation = ((ROOT / name).read_text() for name in ("CHANGELOG.md", "CITATION.cff"))
    (day,) = re.findall(rf"^## {re.escape(version())} \((.+)\)$", changelog, re.MULTILINE)
    if not draft and not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
        sys.exit(f"release-check: CHANGELOG.md says '{day}' of {version()}; write the day of the release")
    if f'version: "{version()}"' not in citation.splitlines():
        sys.exit(f"release-check: CITATION.cff names another version than {version()}")
    say(f"changelog and citation have {version()}")


def build(folder: Path) -> tuple[Path, Path]:
    """Build the source distribution, and the wheel from it."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    for file in (source, wheel):
        say(f"{file.name} takes {file.stat().st_size / 1e6:.1f} MB")
    return source, wheel


def try_wheel(wheel: Path, folder: Path) -> None:
    """Install the wheel with its core dependencies into an empty environment and call its verbs."""
    venv.create(folder / "core", with_pip=True)
    run(folder / "core/bin/python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    size = sum(file.lstat().st_size for file in (folder / "core").rglob("*") if file.is_file())
    say(f"the core takes {size / 1e6:.0f} MB")
    work = folder / "work"
    work.mkdir()
    for verb in VERBS:
        run(folder / "core/bin/mincache", *verb.split(), cwd=work)


def try_source(source: Path, folder: Path, tests: list[str]) -> None:
    """Unpack the source distribution and run its tests there, with the libraries of this environment."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    checkout = folder / source.name.removesuffix(".tar.gz")
    venv.create(checkout / ".venv", with_pip=False, symlinks=True)
    python = checkout / ".venv/bin/python"
    purelib = Path(sysconfig.get_path("purelib", "venv", {"base": str(checkout / ".venv")}))
    libraries = [path for path in sys.path if Path(path).name == "site-packages"]
    (purelib / "libraries.pth").write_text("\n".join(libraries) + "\n")
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--force-reinstall",
        "-e",
        checkout,
    )
    run(python, "-m", "pytest", "-n", "auto", "--dist", "loadfile", *tests, cwd=checkout, OMP_NUM_THREADS="1")


def main() -> None:
    """Check all of it, in a folder that goes away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draft", action="store_true", help="a small form, before the day of release")
    draft = parser.parse_args().draft
    check_documents(draft)
    with tempfile.TemporaryDirectory(prefix="mincache-release-") as name:
        folder = Path(name)
        source, wheel = build(folder)
        try_wheel(wheel, folder)
        try_source(source, folder, DRAFT_TESTS if draft else [])
    say(f"{version()} can be released")


if __name__ == "__main__":
    main()
