"""`mincache certify` and `mincache instances verify --certificates` as a user runs them."""

import json

import pytest
from command_fixture import here

import mincache
from mincache.files.documents import MAX_BYTES

NAME = "smoke-v1.l0.n10.t0"
OPEN = "open-v2.s0.l0.n90.t0"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder with a certificate, an optimal answer and a poor one."""
    folder = tmp_path_factory.mktemp("certify")
    assert here("certify", NAME, "-o", "proof.json", cwd=folder).returncode == 0
    for solver, file in (("decomposition", "best.json"), ("cloud-only", "poor.json")):
        assert here("solve", NAME, "--solver", solver, "-o", file, cwd=folder).returncode == 0
    return folder


def test_an_optimal_answer_is_called_optimal(workplace):
    """The check ends on `optimal within 1e-9` and exit code 0."""
    done = here("certify", "--check", NAME, "proof.json", "best.json", cwd=workplace)
    assert done.returncode == 0
    assert "optimal within 1e-9" in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["--check", NAME, "proof.json", "poor.json"], 1, "not proven optimal"),
        (["--check", "smoke-v1.l1.n10.t0", "proof.json"], 1, "about another document"),
        (["--check", NAME, "best.json"], 2, "mincache-certificate/2"),
        (["--check", NAME, "none.json"], 2, "no such file"),
        (["--check", NAME], 2, "CERTIFICATE: must be given"),
        (
            ["--check", NAME, "proof.json", "--time-limit", "5"],
            2,
            "must come without --output and --time-limit",
        ),
        (["--check", NAME, "proof.json", "-o", "other.json"], 2, "must come without --output"),
        ([NAME], 2, "use -o FILE"),
    ],
)
def test_what_is_not_proven_or_not_readable(args, code, told, workplace):
    """A refusal is exit code 1, unusable input is exit code 2, each told in one line."""
    done = here("certify", *args, cwd=workplace)
    assert done.returncode == code
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_verdict_as_json(workplace):
    """--json has the proven bound, the solution's gap to it, and whether it is accepted."""
    done = here("certify", "--check", NAME, "proof.json", "poor.json", "--json", cwd=workplace)
    verdict = json.loads(done.stdout)
    best = json.loads(here("score", NAME, "best.json", "--json", cwd=workplace).stdout)["cost"]
    poor = json.loads(here("score", NAME, "poor.json", "--json", cwd=workplace).stdout)["cost"]
    assert (done.returncode, verdict["accepted"]) == (1, False)
    assert verdict["bound"] == pytest.approx(best, rel=1e-9)
    assert verdict["gap"] == pytest.approx(1 - best / poor, abs=1e-9)


def test_the_suite_is_verified_with_its_certificates():
    """The proofs that ship are checked by one command."""
    done = here("instances", "verify", "--certificates", "smoke-v1")
    assert done.returncode == 0
    assert done.stdout.startswith("smoke-v1: 4 of 4 certificates prove")


def test_a_certificate_may_be_larger_than_other_documents(workplace):
    """A proof of more bytes than an instance may have is checked as any other."""
    long = (workplace / "proof.json").read_bytes() + b" " * MAX_BYTES
    (workplace / "long.json").write_bytes(long)
    done = here("certify", "--check", NAME, "long.json", "best.json", cwd=workplace)
    assert (done.returncode, done.stderr) == (0, "")
    refused = here("certify", "--check", NAME, "proof.json", "long.json", cwd=workplace)
    assert refused.returncode == 2
    assert "must hold at most" in refused.stderr


def test_a_proof_of_what_is_too_hard_ends_with_its_time(tmp_path):
    """With a time limit an open instance gets a certificate of the bound that the time allowed."""
    made = here("certify", OPEN, "--time-limit", "8", "-o", "proof.json", "--json", cwd=tmp_path)
    assert made.returncode == 0
    bound = json.loads(made.stdout)["bound"]
    known = mincache.suite("open-v2").entries[OPEN]
    assert 0.9 * known.best_known < bound < known.best_known
    done = here("certify", "--check", OPEN, "proof.json", cwd=tmp_path)
    assert (done.returncode, f"{bound!r}" in done.stdout) == (0, True)


def test_a_place_that_cannot_be_written_to_is_told_in_our_words(tmp_path):
    """Where certificates cannot be put, one line names the folder and the rule."""
    here("generate", "--users", "2", "--seed", "1", "-o", "mine", cwd=tmp_path)
    (tmp_path / "mine/certificates").touch()
    done = here("instances", "certify", "mine", cwd=tmp_path)
    told = "error: mine/certificates: must be a folder to write to; received File exists\n"
    assert (done.returncode, done.stderr) == (2, told)
