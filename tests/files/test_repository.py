import subprocess

import pytest

from mincache.errors import InputError
from mincache.files.repository import checkout, checkout_of_source, history, own_checkout


def git(folder, *words):
    """Run git in a folder; return what it prints."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder, text, message="A change"):
    """Commit a solver's file with this text; return the commit's name."""
    (folder / "mine.py").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    """A repository of one commit."""
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "1", "The first")
    return tmp_path


def found(folder, *names):
    """Return commit and dirtiness that git tells of files in a folder."""
    return checkout_of_source(str(folder), [str(folder / name) for name in names])


def test_a_source_at_a_commit_a_changed_one_and_a_new_one(repository):
    """A clean tree has its commit; a changed tracked file, or an untracked one of the solver, is a change."""
    (repository / "notes.txt").write_text("untracked, and not of the solver")
    assert found(repository, "mine.py")[1:] == (git(repository, "rev-parse", "HEAD"), False)
    (repository / "new.py").write_text("")
    assert found(repository, "mine.py", "new.py").dirty
    (repository / "mine.py").write_text("2")
    assert found(repository, "mine.py").dirty


def test_what_is_in_no_repository_has_no_commit(tmp_path, repository):
    """Outside a repository, before its first commit, ignored by it, or of mincache's own: None."""
    empty = repository / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    (empty / "mine.py").write_text("")
    (repository / ".gitignore").write_text("lib\n")
    (repository / "lib").mkdir()
    (repository / "lib" / "mine.py").write_text("")
    assert found(empty, "mine.py") is None
    assert found(repository / "lib", "mine.py") is None
    assert checkout_of_source("/etc", ["/etc/hostname", "/etc/passwd"]) is None
    assert checkout_of_source("/no/such/folder", []) is None
    own = own_checkout()
    if own is not None:
        assert checkout_of_source(own.root, [f"{own.root}/pyproject.toml"]) is None


def test_a_repository_runs_nothing_of_its_own(repository):
    """Monitors, hooks and filters of a hostile repository are not started, and its tree is still told of."""
    trap = repository / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/sprung\ncat\n")
    trap.chmod(0o755)
    (repository / ".gitattributes").write_text("* filter=a.b=c\n")
    for name in ("core.fsmonitor", "filter.a.b=c.clean", "filter.a.b=c.process"):
        git(repository, "config", name, str(trap))
    git(repository, "config", "filter.a.b=c.required", "true")
    (repository / "mine.py").write_text("2")
    assert checkout(str(repository), [str(repository / "mine.py")]).dirty
    assert not (repository / "sprung").exists()


def test_the_history_from_a_commit_on(repository):
    """The oldest first, with subjects, whatever separators they hold; a tag names a commit too."""
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "start")
    second, third = (commit(repository, *given) for given in (("2", "Tab\tof \x0b."), ("3", "é")))
    assert [tuple(one) for one in history("start", str(repository))] == [
        (first, "The first"), (second, "Tab\tof \x0b."), (third, "é"),
    ]  # fmt: skip
    assert [one.name for one in history("HEAD~1", str(repository))] == [second, third]


@pytest.mark.parametrize(
    ("since", "rule"),
    [
        ("nope", "must be a commit of this repository; received 'nope'"),
        ("--all", "must be a commit of this repository; received '--all'"),
        ("side", "must be the commit checked out or one before it; received 'side'"),
    ],
)
def test_a_commit_that_is_none_is_refused(repository, since, rule):
    """Unknown, an option of git, or on another branch: each is one line."""
    git(repository, "checkout", "--quiet", "-b", "side")
    commit(repository, "2")
    git(repository, "checkout", "--quiet", "-")
    with pytest.raises(InputError) as refused:
        history(since, str(repository))
    assert f"--since: {rule}" in str(refused.value)


def test_outside_a_repository_there_is_no_history(tmp_path):
    """The folder is named."""
    with pytest.raises(InputError, match="must be asked inside a git repository"):
        history("HEAD", str(tmp_path))
