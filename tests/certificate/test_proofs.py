"""The check as mincache calls it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mincache import InputError, Solution
from mincache.certificate import CheckResult, certify, check
from mincache.files.documents import parse_instance, solution_bytes

GOLDEN = Path(__file__).parents[1] / "golden" / "optimum" / "optimum-102"
DATA = (GOLDEN / "instance.json").read_bytes()
COST = float(json.loads((GOLDEN / "expected.json").read_text())["optimal_cost"])


def test_a_proof_is_accepted_and_told_in_a_sentence() -> None:
    """The certificate of an instance is accepted, with the bound that it states."""
    certificate = certify(DATA)
    verdict = check(DATA, certificate)
    bound = json.loads(certificate)["bound"]
    told = f"proven: no solution that the evaluator calls feasible costs less than {bound!r}"
    assert verdict == CheckResult(True, (told,), bound)


@pytest.mark.parametrize("document", [b"{}", b'{"format":"mincache-certificate/1"}', b"\xff", b""])
def test_what_is_no_certificate_is_refused_with_what_to_do(document: bytes) -> None:
    """A document of another form, the earlier one included, names the command that writes this one."""
    with pytest.raises(InputError, match=r"certificate: must begin with the format .*`mincache certify`"):
        check(DATA, document)


def test_a_solution_of_another_instance_is_refused() -> None:
    """A solution that names another instance is told before any proof is looked at."""
    other = replace(parse_instance(DATA), name="other")
    with pytest.raises(InputError, match="other"):
        check(DATA, certify(DATA), solution_bytes(Solution.nothing_cached(other)))


def test_no_time_leaves_a_bound() -> None:
    """With no time to solve, what is written is still a proof: of a lower bound."""
    verdict = check(DATA, certify(DATA, remaining=lambda: 0.0))
    assert verdict.accepted
    assert verdict.bound is not None
    assert 0.9 * COST < verdict.bound <= COST
