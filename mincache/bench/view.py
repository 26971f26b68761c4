"""The files that a run sees: its solver's code, the libraries, and folders of its own; nothing else.

What is shown stands where it stands outside and cannot be changed. Answers that lie within something shown,
such as the solutions of the standard suites, are hidden.
"""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mincache
from mincache.bench import kernel
from mincache.bench.kernel import BIND, READ_ONLY, RECURSIVE, mount, restrict_mount
from mincache.solving import contents
from mincache.solving.contents import Content, package_folders

FOLDER, HOME = "/run/own/job", "/run/own/home"  # where a run works, and its home, in the view
DEVICES = ("null", "zero", "full", "random", "urandom")

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/sys")
_SECRET = ("/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/shadow-", "/etc/gshadow-")
_OWN = ("/run/own", "/tmp", "/var/tmp", "/dev/shm")
CARDS = ("nvidia", "dri", "kfd")
_OUTSIDE = "/.host"
_MARKS = ("records.jsonl", "records.jsonl.gz", "solutions.jsonl.gz", "solutions.jsonl.xz", "campaign.json")
"""Files of folders that hold answers."""
_SHARED = "shared.jsonl.xz"  # holds answers, beside folders that do
_MOST_ENTRIES = 256
_MOST_LINKS = 40


@dataclass(frozen=True)
class View:
    """What a run sees.

    Attributes:
        hidden: folders and files within those shown that are not to be read.
        allowed: to read, whatever is hidden.
        size_bytes: the most that the run's own files may take.
        cards: whether graphics cards are to be had.
    """

    shown: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    size_bytes: int = 1 << 30
    cards: bool = False


def of_run(target: str, planned: Iterable[Content], allowed: Iterable[str], size_bytes: int) -> View:
    """Return what a run of a solver sees."""
    path, roots = target.rpartition(":")[0], list(dict.fromkeys(map(_root_of, planned)))
    code = {os.path.dirname(one) for one in (path, *roots) if one.endswith(".py") or _is_program(one)}
    needed = [*roots, *(one for folder in code for one in _beside(Path(folder)))]
    own = (path for path in needed if not _is_below(path, _always()))
    hidden = (*_answers(), *(one for path in own for one in _answers_in(path)))
    return _view((*_always(), *needed), hidden, allowed, size_bytes)


def of_description(started_in: str, allowed: Iterable[str], size_bytes: int) -> View:
    """Return what a solver sees while it is described: all files but answers, for nothing is known of it.

    Of an entry of a board it sees the policies and the source, with which its runs are made again.
    """
    from mincache.files.paths import cache_folder

    board, near = Path(mincache.__file__).parents[1] / "leaderboard", [*map(Path, _answers_in(started_in, 2))]
    entries = (path for folder in (board, *near) for path in (folder, *folder.glob("*/*")))
    again = {entry / name for entry in entries for name in ("policies", "source") if (entry / name).is_dir()}
    answers = (one for folder in (board, *near) for one in _all_but(folder, again))
    top = [f"/{name}" for name in os.listdir("/") if name not in ("proc", "dev", "run")]
    return _view((*top, *_always()), [*_answers(), str(cache_folder()), *answers], allowed, size_bytes)


def _all_but(folder: Path, kept: Set[Path]) -> Iterator[str]:
    """Yield what a folder holds, in as few parts as can be, but for some folders within it."""
    if not any(one.is_relative_to(folder) for one in kept):
        yield str(folder)
    elif folder not in kept:
        for one in folder.iterdir():
            yield from _all_but(one, kept)


def _view(shown: Iterable[str], hidden: Iterable[str], allowed: Iterable[str], size_bytes: int) -> View:
    more = {one for one in allowed if one not in ("network", "gpu")}
    secret = _SECRET if os.geteuid() == 0 else ()
    real = dict.fromkeys(os.path.realpath(one) for one in hidden)
    there = tuple(dict.fromkeys(filter(os.path.isabs, shown)))
    return View(there, (*real, *secret), (*sorted(more),), size_bytes, "gpu" in allowed)


@cache
def _always() -> tuple[str, ...]:
    """Return what every run sees: the system, Python, its libraries and mincache."""
    installed = contents.installed()
    listed = [path for path in sys.path if os.path.realpath(path) in installed]
    programs = [one for one in os.environ.get("PATH", "").split(":") if os.path.isabs(one)]
    packages = [str(Path(mincache.__file__).parent), *map(str, package_folders("mincache.solvers"))]
    packages += [str(folder / "__init__.py") for folder in package_folders("mincache.instances")]
    names = os.path.realpath("/etc/resolv.conf")
    home = os.path.realpath(os.path.expanduser("~"))
    return (
        *_SYSTEM, sys.prefix, sys.base_prefix, *installed, *listed, *packages, *_compiled(), names,
        *(one for one in programs if not Path(home).is_relative_to(os.path.realpath(one))),
    )  # fmt: skip


@cache
def _answers() -> tuple[str, ...]:
    """Return the folders of the standard suites, with their solutions."""
    folders = package_folders("mincache.instances")
    return tuple(str(one) for folder in folders for one in folder.iterdir() if one.is_dir())


def _root_of(content: Content) -> str:
    """Return the folder of the package that a module is of; any other file or folder is itself."""
    below = f"/{content.name.partition('/')[2]}"
    return content.path.removesuffix(below) if len(below) > 1 else content.path


def _is_program(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return os.access(path, os.X_OK) or file.read(2) == b"#!"
    except OSError:  # a folder, or gone
        return False


def _beside(folder: Path) -> Iterator[str]:
    """Yield what lies beside a solver's file: files and folders of modules, none with a dot first."""
    try:
        found = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    except OSError:
        return
    for one in found[:_MOST_ENTRIES]:
        if one.is_file() or (one.is_dir() and any(one.glob("*.py"))):
            yield str(one)


def _answers_in(place: str, depth: int = 20) -> Iterator[str]:
    """Yield the folders of campaigns and of boards' entries below a folder, and the answers beside them."""
    for path, folders, files in os.walk(place):
        if _SHARED in files:
            yield os.path.join(path, _SHARED)
        if any(mark in files for mark in _MARKS):
            yield path
            folders.clear()
        elif len(Path(path).parts) - len(Path(place).parts) >= depth:
            folders.clear()


def warm_up() -> None:
    """Find out once what each run sees, in the process that it is a copy of."""
    _always()
    _answers()


def build(view: View) -> int:
    """Make a view the root of this process, which owns its mounts; return a descriptor of its files."""
    mount("none", "/", flags=RECURSIVE | kernel.PRIVATE)
    mount("tmpfs", "/tmp", "tmpfs", 0, f"size={view.size_bytes},nr_inodes=100000,mode=755")
    os.mkdir(f"/tmp{_OUTSIDE}")
    kernel.system_call("pivot_root", b"/tmp", os.fsencode(f"/tmp{_OUTSIDE}"))
    os.chdir("/")
    restrict_mount(_OUTSIDE, READ_ONLY | kernel.NO_SETUID, below=True)
    for path in _OWN:
        if not _is_below(path, view.shown):
            os.makedirs(path, exist_ok=True)
            mount(path, path, flags=BIND)
    for path in (FOLDER, HOME):
        os.mkdir(path)
    files = os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY)
    shown: set[str] = set()
    for path in view.shown:
        _show(path, shown)
    _make_devices(view.cards)
    for path in view.hidden:
        _hide(path)
    _show_compiled(shown)
    for path in view.allowed:
        _show(path, set())
    _mount_proc()
    kernel.call("umount2", _OUTSIDE.encode(), 2)
    os.rmdir(_OUTSIDE)
    restrict_mount("/", READ_ONLY)
    return files


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(f"{path}/".startswith(f"{one}/") for one in folders)


def _show(path: str, shown: set[str]) -> None:
    """Show a path of the outside, with every symbolic link that leads there."""
    place, links = "/", 0
    waiting = list(reversed(Path(path).parts[1:]))
    while waiting:
        place = os.path.normpath(os.path.join(place, waiting.pop()))
        outside = _OUTSIDE + place
        if os.path.islink(outside):
            links += 1
            target = os.readlink(outside)
            if links > _MOST_LINKS:
                return
            if not os.path.lexists(place):
                os.symlink(target, place)
            place = "/" if os.path.isabs(target) else os.path.dirname(place)
            waiting += [part for part in reversed(Path(target).parts) if part != "/"]
        elif not os.path.lexists(outside) or (waiting and not os.path.isdir(outside)):
            return  # such as what HOME=/dev/null leads to
        elif waiting and not os.path.lexists(place):
            os.mkdir(place)
    if not _is_below(place, shown):
        _bind(place)
        shown.add(place)


def _bind(place: str) -> None:
    with contextlib.suppress(PermissionError):  # what may not be seen outside stays unseen
        if os.path.isdir(_OUTSIDE + place):
            os.makedirs(place, exist_ok=True)
        elif not os.path.lexists(place):
            Path(place).touch()
        mount(_OUTSIDE + place, place)


def _hide(place: str) -> None:
    """Lay an empty folder, or an empty file, over what is shown at a place."""
    if os.path.isdir(place):
        mount("tmpfs", place, "tmpfs", READ_ONLY, "size=4k,mode=755")
    elif os.path.exists(place):
        mount("/dev/null", place, flags=BIND)


def _make_devices(cards: bool) -> None:
    for name in os.listdir(f"{_OUTSIDE}/dev"):
        if name in DEVICES or (cards and name.startswith(CARDS)):
            _bind(f"/dev/{name}")
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"/dev/{name}")


def _show_compiled(shown: Iterable[str]) -> None:
    """Let numba find what it has compiled outside; what a run compiles itself stays with the run."""
    for number, place in enumerate(_compiled()):
        if _is_below(place, shown):
            above, work = f"/run/compiled/{number}", f"/run/compiled/{number}-work"
            for folder in (above, work):
                os.makedirs(folder)
            options = f"lowerdir={_OUTSIDE}{place},upperdir={above},workdir={work},userxattr"
            with contextlib.suppress(OSError):  # a kernel before 5.11
                mount("overlay", place, "overlay", 0, options)


@cache
def _compiled() -> tuple[str, ...]:
    folders = {str(path.parent) for path in Path(mincache.__file__).parent.glob("*/__pycache__/*.nbi")}
    named = os.environ.get("NUMBA_CACHE_DIR", "")
    return (*folders, *([os.path.realpath(named)] if os.path.isdir(named) else []))


def _mount_proc() -> None:
    """Show the run's own processes; where the kernel refuses, what programs ask of the machine."""
    os.makedirs("/proc", exist_ok=True)
    try:
        mount("proc", "/proc", "proc", READ_ONLY | kernel.NO_SETUID | kernel.NO_DEVICES | kernel.NO_PROGRAMS)
    except PermissionError:
        for name in ("cpuinfo", "meminfo", "stat", "sys"):
            _bind(f"/proc/{name}")
