"""The second checker of certificates, in C++: `make checkers` compares far more."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from checkers import Case, build, disagreements, mutants, overstated, shipped


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker, compiled as its first lines say."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the second checker with")
    return build(tmp_path_factory.mktemp("checker"))


def test_both_checkers_say_the_same(program: Path, tmp_path: Path) -> None:
    """Of certificates that ship, and of some in which one number is another one, both say the same."""
    cases = list(shipped(["smoke-v1"]))
    drawn = next(shipped(["campus-v1"]))  # with fields that other instances lack
    found = dict(disagreements(program, iter([*cases, drawn]), tmp_path))
    found |= dict(disagreements(program, mutants(cases, 30, 7), tmp_path))
    odd = [miscounted(cases[0]), overstated(0.1453), overstated(0.2), overstated(1.9)]
    found |= dict(disagreements(program, iter(odd), tmp_path))
    assert len(found) == 39
    assert set(found.values()) == {None}


def miscounted(case: Case) -> Case:
    """Return a certificate that fixes -1 models."""
    name, instance, certificate, solution = case
    document = json.loads(certificate)
    document["frames"][0]["moves"][:0] = [5, -1]  # too large, and so many
    return f"{name}, miscounted", instance, json.dumps(document).encode(), solution


def test_what_cannot_be_read_ends_with_2_and_what_is_none_with_1(program: Path, tmp_path: Path) -> None:
    """A file that is not there, and a document that is none, are told in a line."""
    (tmp_path / "none.json").write_text("[1, 2")
    files = [str(tmp_path / name) for name in ("none.json", "none.json", "missing.json")]
    for names, code in ((files[:1], 2), (files, 2), (files[:2], 1)):
        done = subprocess.run([str(program), *names], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert (done.stdout + done.stderr).count("\n") == 1
