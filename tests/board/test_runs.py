"""The flat table of runs: what is charged, what a mean is over, and that no row moves another's numbers."""

import json
import math

import pytest
from board_fixture import raw_score, record, tables
from hypothesis import given
from hypothesis import strategies as st

from mincache import Solution
from mincache.board.columns import numbers
from mincache.board.entries import find_suite
from mincache.board.runs import Gatherer, brief_parser, fields_of, gather, outcome
from mincache.errors import InputError
from mincache.files.documents import digest
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import generate, write_content
from mincache.generation.suites import Recipe, Suite, find
from mincache.judging.journal import attempts, line_of
from mincache.problem.evaluation import evaluate

SUITE = find("smoke-v1")
NAMES = list(SUITE.entries)
OF_OTHERS = {
    "rank", "rank_low", "rank_high", "request_rank_low", "request_rank_high", "draw_rank_low",
    "draw_rank_high", "level_rank_low", "level_rank_high", "group", "may_be_first", "identical", "solver",
}  # fmt: skip
"""What is said of a row among others."""


def run_of(solver, instance, factor, repetition=0, **fields):
    """Return a run on smoke-v1 that costs so many times the best known, or fails where that is None."""
    entry = SUITE.entries[instance]
    cost = None if factor is None else entry.best_known * factor
    return record(
        solver, instance, cost, repetition, suite="smoke-v1", sha256=entry.sha256, wall_s=5.0, **fields
    )


def whole(solver, factor, **fields):
    """Return a run on each instance."""
    return [run_of(solver, name, factor, **fields) for name in NAMES]


def one_table(records):
    """Return the only table of records."""
    (table,) = tables(records)
    return table


def rows(records):
    """Return the numbers of each row by solver."""
    return {row.solver: numbers(row) for row in one_table(records).rows}


def nothing_cached(name):
    """Return the cost of caching nothing, from the evaluator."""
    instance = SUITE.read(name)
    return evaluate(instance, Solution.nothing_cached(instance)).cost


def test_a_failed_run_costs_what_caching_nothing_costs():
    """One of two runs of one of four instances fails: its mean is of the other and the fallback."""
    good = [run_of("s", name, 1.0, r) for name in NAMES for r in range(2)]
    failed = [run_of("s", NAMES[0], None, 1, stop_reason="crash"), *good[:1], *good[2:]]
    best = SUITE.entries[NAMES[0]].best_known
    expected = (0.0 + nothing_cached(NAMES[0]) / best - 1.0) / 2 / len(NAMES)
    row = rows(failed)["s"]
    assert row["gap"] == pytest.approx(expected, rel=1e-12)
    assert row["charged_gap"] == pytest.approx(expected, rel=1e-12)
    assert (row["failures"], row["verified"], row["runs"]) == ({"crash": 1}, 7, 8)


def test_a_failed_run_takes_ten_limits_before_any_mean():
    """Of two runs a second long on each instance one fails: the arithmetic mean is that of 1 s and 50 s."""
    runs = [
        run_of("s", n, None if r else 1.0, r, stop_reason="wall" if r else "finished")
        for n in NAMES
        for r in range(2)
    ]
    row = rows(runs)["s"]
    assert row["arithmetic_solve_s"] == pytest.approx((1.0 + 50.0) / 2)
    assert row["mean_solve_s"] == pytest.approx(25.5)
    assert row["median_solve_s"] == pytest.approx(25.5)


def test_loading_is_that_of_the_record_where_it_says_so():
    """`start_s` counts; in older records its parts do; a run without an answer has no time."""
    times = [{"start_s": 2.0, "import_s": 0.5, "build_s": 0.5}, {"import_s": 0.5, "build_s": 0.25}, {}]
    runs = [one.model_copy(update=found) for one, found in zip(whole("s", 1.0), times, strict=False)]
    (found,) = gather([*runs, run_of("s", NAMES[3], 1.0, solve_s=None)])
    assert found.frame["answer_s"].fillna(-1).tolist() == [3.0, 1.75, 1.0, -1.0]


def test_a_declined_run_is_charged_and_counted_apart():
    """Declining costs the same as failing, and is no failure."""
    declined = [run_of("s", NAMES[0], None, verdict="skipped"), *whole("s", 1.0)[1:]]
    row = rows(declined)["s"]
    best = SUITE.entries[NAMES[0]].best_known
    assert row["gap"] == pytest.approx((nothing_cached(NAMES[0]) / best - 1.0) / len(NAMES))
    assert (row["declined"], row["failures"]) == (1, {})


def test_failing_on_hard_instances_lowers_nothing():
    """A solver that fails where its gap is largest does not pass one that answers there."""
    hard = [
        run_of("fails", name, 1.1 if n else None, stop_reason="crash" if not n else "finished")
        for n, name in enumerate(NAMES)
    ]
    answers = [run_of("answers", name, 1.1 if n else 1.12) for n, name in enumerate(NAMES)]
    found = rows([*hard, *answers])
    assert found["fails"]["gap"] > found["answers"]["gap"]


def test_a_row_without_all_instances_is_not_ranked():
    """It stands below with its coverage, has no mean, and the others' means are over all instances."""
    table = one_table([*whole("all", 1.2), run_of("one", NAMES[0], 1.0)])
    assert [row.solver for row in table.rows] == ["all", "one"]
    found = {row.solver: numbers(row) for row in table.rows}
    assert found["one"]["gap"] is None
    assert found["one"]["unranked"] == "attempted 1 of 4 instances"
    assert (found["one"]["covered"], found["one"]["rank"], found["all"]["rank"]) == (1, None, 1)
    assert found["all"]["gap"] == pytest.approx(0.2)


def test_too_few_seeds_are_not_ranked():
    """A stochastic row with three of ten seeds has means and no rank."""
    table = one_table([run_of("s", name, 1.1, r) for name in NAMES for r in range(3)])
    (row,) = table.rows
    assert (row.unranked, row.rank) == ("3 of 10 seeds", None)
    assert row.gap == pytest.approx(0.1)


@pytest.mark.parametrize(("stochastic", "said"), [(True, "1 of 10 seeds"), (False, "")])
def test_a_trained_row_that_draws_has_seeds_too(stochastic, said):
    """A learned row has its trainings as repetitions, unless its answers are drawn."""
    facts = {"kind": "learned", "stochastic": stochastic}
    runs = [one.model_copy(update={"environment": one.environment | facts}) for one in whole("l", 1.1)]
    (row,) = one_table(runs).rows
    assert row.unranked == said


def test_failures_are_named_by_what_is_wrong():
    """An answer goes by what is wrong with it; a run without one by what ended it."""
    assert outcome(fields_of(record("s", "a", stop_reason="memory"))) == "memory"
    assert outcome(fields_of(record("s", "a", stop_reason="soft limit"))) == "no solution"
    assert outcome(fields_of(record("s", "a", verdict="malformed", stop_reason="crash"))) == "malformed"
    assert outcome(fields_of(record("s", "a", 1.0, verdict="infeasible", stop_reason="wall"))) == "infeasible"


def test_a_bound_above_the_best_known_cost_is_a_failure():
    """That cost was reached, so the bound is wrong, whoever else is on the board."""
    best = SUITE.entries[NAMES[0]].best_known
    found = rows(
        [run_of("wrong", NAMES[0], 1.2, bound=best * 1.1), run_of("right", NAMES[0], 1.2, bound=best * 0.9)]
    )
    assert found["wrong"]["failures"] == {"contradicts a bound": 1}
    assert found["right"]["failures"] == {}


def test_the_last_attempt_at_a_run_counts():
    """A run made again replaces the one before."""
    (runs,) = gather([run_of("s", NAMES[0], None, stop_reason="crash"), run_of("s", NAMES[0], 1.0)])
    assert runs.frame["outcome"].tolist() == ["verified"]


def test_rows_can_be_chosen_and_unknown_ones_are_refused():
    """The names known are listed."""
    records = [*whole("x", 1.0), *whole("y", 1.1)]
    (runs,) = gather(records, solvers=["y"])
    assert [who.solver for who in runs.contenders] == ["y"]
    with pytest.raises(InputError, match="must be among x, y"):
        gather(records, solvers=["z"])


def test_an_instance_counts_once_however_many_runs_it_has():
    """Two runs at 1.2 and 1.6 on one instance and one at 1.0 on each other: a mean gap of 0.4 / 4."""
    runs = [run_of("s", NAMES[0], 1.2), run_of("s", NAMES[0], 1.6, 1), *whole("s", 1.0)[1:]]
    assert rows(runs)["s"]["gap"] == pytest.approx(0.4 / 4)


def test_without_the_suite_a_failure_cannot_be_charged():
    """Nobody knows the cost of caching nothing, so there is no mean, and that is said."""
    table = one_table([record("s", "a", 1.0), record("s", "b", stop_reason="crash")])
    assert table.rows[0].gap is None
    assert "not at hand" in table.rows[0].unranked


ended = st.one_of(st.floats(1.0, 2.0), st.sampled_from(["crash", "skipped", None]))
entry = st.lists(st.lists(ended, min_size=1, max_size=2), min_size=len(NAMES), max_size=len(NAMES))


def entry_of(solver, answers):
    """Return the records of a drawn entry; an outcome of None is a run that was not made."""
    return [
        run_of(solver, name, value if isinstance(value, float) else None, repetition,
               verdict="skipped" if value == "skipped" else None,
               stop_reason="crash" if value == "crash" else "finished")
        for name, values in zip(NAMES, answers, strict=True)
        for repetition, value in enumerate(values) if value is not None
    ]  # fmt: skip


def figures(records):
    """Return what is said of each row by itself, byte for byte."""
    return {
        solver: json.dumps({k: v for k, v in row.items() if k not in OF_OTHERS}, allow_nan=False)
        for solver, row in rows(records).items()
    }


@given(st.lists(entry, min_size=1, max_size=4), entry, entry)
def test_no_row_moves_anothers_numbers(others, added, edited):
    """Adding, editing and removing an entry leaves every other row's figures byte for byte."""
    base = [one for n, answers in enumerate(others) for one in entry_of(f"row-{n}", answers)]
    known = figures(base) if base else {}
    for answers in (added, edited):
        more = entry_of("another", answers)
        if base or more:
            found = figures([*more, *base])
            assert {name: found[name] for name in known} == known


def test_a_seed_may_be_larger_than_a_machine_word():
    """The root of random streams has up to 128 bits."""
    one = record("a", "i", 1.0)
    cells = [one.cell.model_copy(update={"seed": seed}) for seed in (2**128 - 1, 7)]
    (table,) = tables(one.model_copy(update={"cell": cell}) for cell in cells)
    assert table.rows[0].streams == [(7, 0), (2**128 - 1, 0)]


def test_runs_are_sorted_whatever_the_order_of_records():
    """The order in which records are read does not show."""
    records = [run_of(s, name, 1.0 + 0.1 * r, r) for s in ("x", "y") for name in NAMES for r in range(3)]
    (one,), (other,) = gather(records), gather(records[::-1])
    assert one.frame["gap"].tolist() == other.frame["gap"].tolist()
    assert all(math.isfinite(gap) for gap in one.frame["gap"])


def test_a_table_reads_what_it_needs_of_a_journal(tmp_path):
    """Whole lines give what their records do, in any order of fields; what is no record is passed over."""
    one = run_of("s", NAMES[0], 1.1, raw=raw_score(8.0, steps=(1.0, 0.5)), bound=1.0)
    one = one.model_copy(update={"environment": {"cpu": 'a,"environment":'}, "start_s": 0.5})
    fields = json.loads(one.model_dump_json())
    turned = json.dumps(dict(reversed(fields.items()))).encode()
    nobody = {**fields, "cell": {k: v for k, v in fields["cell"].items() if k != "solver"}}
    wrong = [
        b"[1]",
        b"{}",
        json.dumps(nobody).encode(),
        json.dumps(fields | {"solve_s": "long"}).encode(),
        b'{"environment":3}',
    ]
    payloads = [line_of(one)[76 + 10 : -2], turned, *wrong]
    lines = [b'{"sha256":"' + digest(p).encode() + b'","record":' + p + b"}\n" for p in payloads]
    (tmp_path / "records.jsonl").write_bytes(b"".join(lines) + b"torn\n")
    told = []
    found = list(attempts(tmp_path, lambda: told.append(None), brief_parser()))
    assert len(told) == len(wrong) + 1
    gatherers = [Gatherer(), Gatherer()]
    for run in found:
        gatherers[0].add(run)
    gatherers[1].add(fields_of(one))
    (read,), (known,) = (gatherer.runs() for gatherer in gatherers)
    assert len(found) == 2
    lists = ["trace", "counted"]
    assert read.frame.drop(columns=lists).equals(known.frame.drop(columns=lists))
    assert read.contenders == known.contenders


def references(suite, records):
    """Return the references of a suite and these records."""
    (runs,) = gather(records, suite="" if suite is None else str(suite.folder))
    return runs.references


@pytest.fixture
def suite(tmp_path):
    """A suite of two instances, of which the first has a proven optimum of 10."""
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=1, users=(2,), traces=2)
    drawn = generate(tmp_path / "tiny", "tiny", recipe, Scenario(slots=2))
    first, second = drawn.content.instance
    known = first.model_copy(update={"best_known": 10.0, "lower_bound": 10.0 * (1 - 1e-12)})
    write_content(drawn.folder, drawn.content.model_copy(update={"instance": (known, second)}))
    return Suite(drawn.folder)


def _of(suite, index, cost, **fields):
    entry = suite.content.instance[index]
    return record("s", entry.name, cost, sha256=entry.sha256, suite="tiny", **fields)


def test_the_suite_pins_the_reference(suite):
    """A better verified cost does not move the pinned value; an instance without one takes the best."""
    records = [_of(suite, 0, 9.0), _of(suite, 1, 7.0), _of(suite, 1, 6.0, repetition=1)]
    known = references(suite, records)
    first, second = (known[e.name] for e in suite.content.instance)
    assert (first.cost, first.pinned, first.proven) == (10.0, True, True)
    assert (second.cost, second.pinned, second.proven) == (6.0, False, False)


def test_only_verified_costs_become_references():
    """The cost of an infeasible solution is nobody's best."""
    records = [record("s", "a", 5.0, verdict="infeasible"), record("s", "a", 8.0, repetition=1)]
    assert references(None, records)["a"].cost == 8.0


def test_another_edition_of_an_instance_is_refused(suite):
    """A record made on other bytes is not held against this suite."""
    entry = suite.content.instance[0]
    with pytest.raises(InputError, match=f"records of {entry.name}: must be of one edition"):
        references(suite, [record("s", entry.name, 9.0, sha256="f" * 64, suite="tiny")])
    with pytest.raises(InputError, match="one edition"):
        references(None, [record("s", "a", 9.0, n, sha256=letter * 64) for n, letter in enumerate("fe")])


def test_runs_on_instances_that_the_suite_has_not_are_refused():
    """Another suite of the same name is not mixed with the standard one, nor passed over."""
    with pytest.raises(InputError, match="records on smoke-v1: must be of its instances; received 'mine'"):
        tables([record("a", "mine", 1.0, suite="smoke-v1")])


def test_a_suite_is_found_by_name_or_folder(suite):
    """Records outlive the folder of their suite, and a folder must hold the suite they are of."""
    assert find_suite("no-such-suite") is None
    assert find_suite("smoke-v1").name == "smoke-v1"
    assert find_suite("tiny", str(suite.folder)).folder == suite.folder
    with pytest.raises(InputError, match="suite: must be 'paper-v1'"):
        find_suite("paper-v1", str(suite.folder))
