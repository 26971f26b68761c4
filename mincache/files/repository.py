"""What git says of a repository; nothing that the repository itself asks for is run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mincache.errors import InputError, excerpt

_TIME_LIMIT_S = 5.0
_OWN = str(Path(__file__).resolve().parents[1])
_CONFIG = {"core.fsmonitor": "false", "core.hooksPath": os.devnull}
_FILTERS = r"^filter\..*\.(clean|process|required)$"


class Checkout(NamedTuple):
    """The commit of a repository that is checked out, and whether the tree differs from it."""

    root: str
    commit: str
    dirty: bool


class Commit(NamedTuple):
    """A commit in a history, by its full name, and the first line of its message."""

    name: str
    subject: str


def git(folder: str, *arguments: str, config: Iterable[str] = ()) -> str | None:
    """Return what git prints for a folder; None if it fails, is not there, or takes too long.

    Hooks, monitors of files, transports and the options named in `config` are off.
    """
    settings = _CONFIG | dict.fromkeys(config, "")
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    surroundings |= {"GIT_CONFIG_COUNT": str(len(settings)), "GIT_ALLOW_PROTOCOL": "none", "LC_ALL": "C"}
    for n, (name, value) in enumerate(settings.items()):
        surroundings |= {f"GIT_CONFIG_KEY_{n}": name, f"GIT_CONFIG_VALUE_{n}": value}
    command = ["git", "--no-optional-locks", "--literal-pathspecs", "-C", folder, *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_TIME_LIMIT_S, env=surroundings
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").removesuffix("\n") if done.returncode == 0 else None


def checkout(folder: str, files: Iterable[str]) -> Checkout | None:
    """Return what is checked out where `folder` lies; None if the repository ignores all of `files`.

    It is dirty if a tracked file has changed, or one of the files is not tracked.
    """
    said = git(folder, "rev-parse", "--show-toplevel", "HEAD")
    if said is None:
        return None
    root, _, commit = said.rpartition("\n")
    inside = [one for one in map(os.path.realpath, files) if Path(one).is_relative_to(root)]
    listed = ("ls-files", "--cached", "--others", "--exclude-standard", "--", *inside)
    if not inside or not git(folder, *listed):
        return None
    filters = git(folder, "config", "--name-only", "--get-regexp", _FILTERS) or ""
    status = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
    changed = git(folder, *status, config=filter(None, filters.split("\n")))
    untracked = git(folder, "ls-files", "--others", "--", *inside)
    return None if changed is None or untracked is None else Checkout(root, commit, bool(changed + untracked))


@cache
def own_checkout() -> Checkout | None:
    """Return the checkout that mincache runs from; None if it was installed otherwise."""
    tracked = git(_OWN, "ls-files", "--error-unmatch", "__init__.py") is not None
    return checkout(_OWN, [f"{_OWN}/__init__.py"]) if tracked else None


def checkout_of_source(home: str, files: Iterable[str]) -> Checkout | None:
    """Return the checkout that a solver's files lie in, `home` first; None without one, or if mincache's."""
    theirs = [one for one in files if os.path.isfile(one) and not Path(one).is_relative_to(_OWN)]
    own = own_checkout()
    for folder in dict.fromkeys([home, *map(os.path.dirname, theirs)]) if theirs else ():
        found = checkout(folder or "/", theirs)
        if found is not None and (own is None or found.root != own.root):
            return found
    return None


def history(since: str, folder: str = ".") -> list[Commit]:
    """Return the commits of a repository from `since` to the one checked out, the oldest first.

    Raises:
        InputError: if there is no repository, no such commit, or it does not lie before the one checked out.
    """
    if git(folder, "rev-parse", "HEAD") is None:
        advice = "change to the repository that holds the solver"
        raise InputError("--since", "must be asked inside a git repository", os.path.abspath(folder), advice)
    first = git(folder, "rev-parse", "--verify", "--end-of-options", f"{since}^{{commit}}")
    if first is None:
        raise InputError("--since", "must be a commit of this repository", excerpt(since), "see git log")
    if git(folder, "merge-base", "--is-ancestor", first, "HEAD") is None:
        rule = "must be the commit checked out or one before it"
        raise InputError("--since", rule, excerpt(since), "check out a later commit")
    # `^@` stands for all parents; a line of git's own stands before each in a format.
    told = ("--reverse", "--topo-order", "--format=%H%x09%s", "HEAD", "--not", f"{first}^@")
    listed = git(folder, "rev-list", *told)
    if listed is None:
        raise InputError("--since", "must be read by git in time", excerpt(since))
    return [Commit(*line.partition("\t")[::2]) for line in listed.split("\n")[1::2]]
