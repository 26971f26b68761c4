"""The second checker of certificates, in C++: `make checkers` compares far more."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from checkers import Case, build, disagreements, mutants, overstated, shipped
from drawn_proofs import drawn_certificate, scarce_instance

from mincache import evaluate
from mincache.certificate import certify_with_solution, check_certificate
from mincache.files.documents import digest, instance_bytes


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker, compiled as its first lines say."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ to compile the second checker with")
    return build(tmp_path_factory.mktemp("checker"))


def test_both_checkers_say_the_same(program: Path, tmp_path: Path) -> None:
    """Of certificates that ship, and of some documents in which a value is another one, both say the same."""
    cases = list(shipped(["smoke-v1"]))
    drawn = next(shipped(["campus-v1"]))  # with fields that other instances lack
    found = dict(disagreements(program, iter([*cases, drawn]), tmp_path))
    found |= dict(disagreements(program, mutants(cases, 30, 7), tmp_path))
    odd = [miscounted(cases[0]), overstated(0.1453), overstated(0.2), overstated(1.9)]
    found |= dict(disagreements(program, iter(odd), tmp_path))
    assert len(found) == 39
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    ("which", "old", "new"),
    [
        (0, '"preference_weight":', '"preference_weight":1,"preference_weight":'),
        (0, "mincache-instance/1", "mincache-instance/2"),
        (0, '"steps":', '"steps":"1000","stepz":'),
        (0, '"noise_w_per_hz":', '"noise_w_per_hz":true,"skewness":'),
        (0, '"channel_gain":[[', '"channel_gain":[[-1,'),
        (0, '"user_power_w":[', '"user_power_w":[1,'),
        (0, '"server":', '"rules":null,"server":'),
        (1, '"bound":', '"bound":0,"bound":'),
        (1, '"bound":', '"bound":"1","bond":'),
        (1, '"bound":', '"bound":true,"bond":'),
        (1, '"bound":', '"bound":-1e400,"bond":'),
        (1, '"bound":', '"bound":01,"bond":'),
        (1, '"bound":', '"bound":+1,"bond":'),
        (1, '"bound":', '"bound":1.,"bond":'),
        (1, '"bound":', '"bo\nd":1,"bound":'),
        (1, '"keeping":[]', '"keeping":null'),
        (1, '"cut":', '"cut":"1","cat":'),
        (1, '"grid":', '"grid":0,"grit":'),
        (2, "mincache-solution/1", "mincache-certificate/2"),
        (2, '"cache":[[', '"cache":[[true,'),
        (2, '"cache":[[0,', '"cache":[[2,'),
        (2, '"step_share":[[', '"step_share":[["0.0",'),
    ],
)  # fmt: skip
def test_what_the_evaluator_would_not_read_both_refuse(which, old, new, program, tmp_path):
    """Fields that stand twice, text and truth values for numbers, and other formats pass neither checker."""
    name, *documents = next(shipped(["smoke-v1"]))
    assert old.encode() in documents[which]
    documents[which] = documents[which].replace(old.encode(), new.encode(), 1)
    if which == 0:
        about = {"instance_sha256": digest(documents[0])}
        documents[1] = json.dumps(json.loads(documents[1]) | about).encode()
    assert not check_certificate.check(*documents).accepted
    assert dict(disagreements(program, iter([(name, *documents)]), tmp_path)) == {name: None}


@pytest.mark.parametrize(
    ("first", "taken"), [(b"\xef\xbb\xbf", True), (b"\xff", False), (b"\xc0\xa0", False)]
)
def test_both_read_utf8_alone(first, taken, program, tmp_path):
    """A document may begin with the mark of UTF-8, and has nothing that is not UTF-8."""
    name, instance, certificate, solution = next(shipped(["smoke-v1"]))
    case = name, instance, first + certificate, solution
    assert check_certificate.check(*case[1:]).accepted is taken
    assert dict(disagreements(program, iter([case]), tmp_path)) == {name: None}


@pytest.mark.parametrize("seed", range(20))
def test_no_drawn_proof_shows_it_more_than_the_optimum(seed, program, tmp_path):
    """The checker in C++ refuses a bound above the optimum with whatever proof."""
    chance = random.Random(seed)
    instance = scarce_instance(chance)
    document, solution = (
        drawn_certificate(instance, chance),
        certify_with_solution(instance_bytes(instance))[1],
    )
    above = {"bound": evaluate(instance, solution).cost * (1 + 1e-9)}
    for name, data in (
        ("instance", instance_bytes(instance)),
        ("proof", json.dumps(document | above).encode()),
    ):
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [program, tmp_path / "instance", tmp_path / "proof"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout[:18]) == (1, b"refused: the frame")


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
