"""Certificates and solutions beside a suite."""

import json

import pytest
from click.testing import CliRunner

from mincache.certificate.archive import CERTIFICATES, write_archive
from mincache.cli.instances import instances
from mincache.files.documents import read_bytes, write_bytes
from mincache.generation.scenario import Scenario
from mincache.generation.suite_checks import SOLUTIONS
from mincache.generation.suite_writing import generate, set_references
from mincache.generation.suites import Recipe, find


@pytest.fixture
def suite(tmp_path):
    """A suite of two instances with references from the exact method, certificates and solutions."""
    from mincache import Run, evaluate
    from mincache.solving import registry

    recipe = Recipe(library_seed=1, trace_seed=2, libraries=2, users=(4,), traces=1)
    drawn = generate(tmp_path / "small", "small", recipe, Scenario(slots=2))
    costs = {i.name: evaluate(i, registry.make("decomposition").solve(i, Run.seeded(0))).cost for i in drawn}
    suite = set_references(drawn, {name: (cost, cost) for name, cost in costs.items()})
    assert list(write_archive(suite)) == list(suite.entries)
    return suite


def test_what_is_written_is_accepted(suite):
    """Every certificate proves the reference, and every solution is optimal by it."""
    assert dict(CERTIFICATES.check(suite)) == dict.fromkeys(suite.entries)


def test_a_raised_reference_a_changed_proof_and_a_missing_one_are_found(suite):
    """A reference that the proof does not reach, a proof with a raised bound, and no proof are each told."""
    first, second = suite.entries
    lowered = set_references(suite, {first: (suite.entries[first].best_known * 0.999, 0.0)})
    assert "the certificate proves" in dict(CERTIFICATES.check(lowered))[first]

    path = CERTIFICATES.path(suite, second)
    document = json.loads(read_bytes(path))
    document["bound"] *= 1.001
    write_bytes(path, json.dumps(document).encode())
    assert dict(CERTIFICATES.check(suite))[second].startswith("refused")

    path.unlink()
    assert "no file " in dict(CERTIFICATES.check(suite))[second]


def test_the_status_alone_is_written_where_no_files_are_wanted(suite):
    """With --status-only a proven instance has the command that makes its certificate, and no file."""
    folder = suite.folder
    for name in suite.entries:
        CERTIFICATES.path(suite, name).unlink()
    CERTIFICATES.path(suite, next(iter(suite.entries))).parent.rmdir()
    done = CliRunner().invoke(instances, ["certify", str(folder), "--status-only"])
    assert done.output == f"{len(suite.entries)} statuses in {folder}\n"
    assert not (folder / "certificates").exists()
    for name, entry in find(str(folder)).entries.items():
        assert entry.status == "proven"
        assert entry.certificate == f"mincache certify {name} -o proof.json"


def test_a_worse_solution_is_not_called_optimal(suite):
    """A feasible solution that costs more is judged not proven optimal."""
    from mincache import Solution
    from mincache.files.documents import solution_bytes

    name = next(iter(suite.entries))
    worse = Solution.nothing_cached(suite.read(name))
    write_bytes(SOLUTIONS.path(suite, name), solution_bytes(worse))
    assert "not proven optimal" in dict(CERTIFICATES.check(suite))[name]


def test_the_smoke_suite_is_proven():
    """The certificates that ship with smoke-v1 prove its references."""
    assert set(dict(CERTIFICATES.check(find("smoke-v1"))).values()) == {None}


def test_certify_tells_each_status_as_json(suite):
    """`instances certify --json` holds the status of what it proved; `--check` that of every instance."""

    def told(*words):
        done = CliRunner().invoke(instances, ["certify", str(suite.folder), *words, "--json"])
        assert done.exit_code == 0
        return json.loads(done.stdout)

    first, second = suite.entries
    assert told(first) == {first: "proven"}
    assert told("--check") == {first: "proven", second: "proven"}
    write_bytes(CERTIFICATES.path(suite, second), read_bytes(CERTIFICATES.path(suite, first)))
    assert told("--check") == {first: "proven", second: "open"}
    assert find(str(suite.folder)).entries[second].status == "open"
    CERTIFICATES.path(suite, first).write_bytes(b"damaged")
    assert told("--check") == {first: "open", second: "open"}


def improve(suite, name, file, by="A. Name"):
    """Hand a document in for an instance of a suite."""
    return CliRunner().invoke(instances, ["improve", str(suite.folder), name, str(file), "--by", by])


def test_a_better_solution_and_a_better_bound_are_taken(suite, tmp_path):
    """What is lower than the best known cost, or above the bound, replaces it, and says who found it."""
    name = next(iter(suite.entries))
    known = suite.entries[name]
    set_references(suite, {name: (known.best_known * 1.01, known.lower_bound * 0.99)})
    answer, proof = tmp_path / "answer.json", tmp_path / "proof.json"
    answer.write_bytes(read_bytes(SOLUTIONS.path(suite, name)))
    proof.write_bytes(read_bytes(CERTIFICATES.path(suite, name)))
    SOLUTIONS.path(suite, name).unlink()
    CERTIFICATES.path(suite, name).unlink()
    assert improve(suite, name, answer).exit_code == 0
    assert improve(suite, name, proof).exit_code == 0
    entry = find(str(suite.folder)).entries[name]
    assert entry.best_known == pytest.approx(known.best_known, rel=1e-15)
    assert entry.lower_bound == pytest.approx(known.best_known, rel=2e-9)
    assert entry.status == "proven"
    assert entry.cost_from.startswith("A. Name, ")
    assert entry.bound_from.endswith(f"{name} proof.json")
    assert dict(CERTIFICATES.check(find(str(suite.folder))))[name] is None
    again = improve(suite, name, answer)
    assert "cost: must be below the known" in str(again.exception)
    assert "bound: must be above the known" in str(improve(suite, name, proof).exception)


@pytest.mark.parametrize(
    ("change", "told"),
    [("cost", "must not be below the bound"), ("above", "must not be above the cost"),
     ("limit", "must keep all constraints"), ("other", "instance"),
     ("bound", "certificate: must hold"), ("text", "must")],
)  # fmt: skip
def test_what_does_not_hold_is_refused(change, told, suite, tmp_path):
    """What is below a bound, beyond a limit, of another instance or not proven changes nothing."""
    first, second = suite.entries
    document = json.loads(read_bytes(SOLUTIONS.path(suite, second if change == "other" else first)))
    cost = suite.entries[first].best_known
    set_references(suite, {first: (cost * 1.01, cost * (1.005 if change == "cost" else 0.9))})
    if change == "limit":
        document["bandwidth_share"][0][0] = 1.5
    if change == "above":  # a cost typed in by hand, below what can be
        set_references(suite, {first: (cost * 0.99, cost * 0.9)})
        document = json.loads(read_bytes(CERTIFICATES.path(suite, first)))
    if change == "bound":
        document = json.loads(read_bytes(CERTIFICATES.path(suite, first))) | {"bound": cost * 2.0}
    file = tmp_path / "handed-in.json"
    file.write_text("nothing" if change == "text" else json.dumps(document, separators=(",", ":")))
    before = (suite.folder / "suite.toml").read_bytes()
    refused = improve(suite, first, file)
    assert refused.exit_code != 0
    assert told in str(refused.exception)
    assert "\n" not in str(refused.exception)
    assert (suite.folder / "suite.toml").read_bytes() == before
    assert "must name who found it" in str(improve(suite, first, file, by=" ").exception)
