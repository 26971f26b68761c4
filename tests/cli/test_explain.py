"""`mincache explain`: of a solution and of a campaign, as tables, as JSON and as pictures."""

import json

import pytest
from click.testing import CliRunner
from command_fixture import here

from mincache import Run, evaluate, write_solution
from mincache.analysis.explanation import PARTS, explain
from mincache.cli.main import cli
from mincache.generation.suites import find_instance
from mincache.solving import registry

NAME = "smoke-v1.l0.n10.t0"


def run(*words):
    """Return what the command prints, and check that it ends well."""
    done = CliRunner().invoke(cli, ["explain", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """The file of an answer to a published instance."""
    path = tmp_path_factory.mktemp("answers") / "answer.json"
    write_solution(registry.make("popular-first").solve(find_instance(NAME), Run.seeded(0)), path)
    return path


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A campaign of two solvers on smoke-v1."""
    folder = tmp_path_factory.mktemp("campaigns") / "smoke"
    solvers = ["--solver", "cloud-only", "--solver", "density-greedy"]
    done = CliRunner().invoke(cli, ["run", "smoke-v1", *solvers, "--workers", "1", "-o", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


def test_an_answer_as_json(answer):
    """The parts add up to cost less optimum, and the optimum is the suite's best known cost."""
    told = json.loads(run(NAME, answer, "--json"))
    assert told["proven"]
    assert sum(told["parts"].values()) == pytest.approx(told["cost"] - told["optimum"], abs=1e-9)
    assert sum(told["models"]) == pytest.approx(told["cost"] - told["optimum"], abs=1e-9)
    assert set(told["slots"]) == set(told["parts"]) == set(PARTS)


def test_an_answer_as_tables(answer):
    """The terminal shows the gap, the worst slots with what differs there, and the models."""
    shown = run(NAME, answer, "--slots", 2)
    assert "of the proven optimum" in shown
    assert shown.count("; the optimum cached") == 2
    assert "the models whose requests lose or gain most" in shown


def test_a_campaign(campaign):
    """A row a solver, the least gap first; mean parts add up, and the cloud loses by its cache."""
    told = json.loads(run(campaign, "--json"))
    assert [one["solver"] for one in told] == ["density-greedy", "cloud-only"]
    for one in told:
        assert one["answers"] == 4
        assert sum(one["parts"].values()) == pytest.approx(one["cost"] - one["optimum"], abs=1e-9)
    assert told[1]["parts"]["caching"] > 0.9 * (told[1]["cost"] - told[1]["optimum"])
    assert "against the proven optima" in run(campaign, "--solver", "cloud-only")


def test_campaign_rows_are_means_of_single_explanations(campaign):
    """The row of a solver is the mean of its answers, explained one by one."""
    row = json.loads(run(campaign, "--solver", "density-greedy", "--json"))[0]
    greedy, names = registry.make("density-greedy"), [f"smoke-v1.l{one}.t0" for one in ("0.n10", "0.n18")]
    names += [f"smoke-v1.l{one}.t0" for one in ("1.n10", "1.n18")]
    found = [explain(one, greedy.solve(one, Run.seeded(0))) for one in map(find_instance, names)]
    for part in PARTS:
        assert row["parts"][part] == pytest.approx(sum(one.parts[part] for one in found) / 4, abs=1e-9)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_pictures(answer, campaign, tmp_path, ending):
    """Both kinds are drawn, with the parts that there are in the legend."""
    for number, words in enumerate([(NAME, answer), (campaign,)]):
        path = tmp_path / f"{number}.{ending}"
        run(*words, "-o", path)
        assert path.stat().st_size > 1000
        if ending == "svg":
            assert "caching" in path.read_text()
            assert "floor" not in path.read_text()


REFUSED = [
    (["nowhere"], "campaign: must be a folder, or come with a solution; received nowhere"),
    (["{campaign}", "--solver", "cloud"], "--solver: must have a verified answer; received cloud"),
    (
        [NAME, "{answer}", "--solver", "lru"],
        "--solver: must name a solver of a campaign; received a solution",
    ),
    ([NAME, "{answer}", "-o", "a.pdf"], "--output: must end in .svg or .png; received 'a.pdf'"),
    ([NAME, "nowhere.json"], "nowhere.json"),
    (["smoke-v1.l0.n18.t0", "{answer}"], "instance: must be 'smoke-v1.l0.n18.t0'"),
]


@pytest.mark.parametrize(("words", "message"), REFUSED)
def test_bad_input_is_one_line(words, message, answer, campaign):
    """Each refusal names the field, the rule and what was received."""
    done = here("explain", *(word.format(answer=answer, campaign=campaign) for word in words))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_optimum_is_the_evaluator_s(answer):
    """The cost told is what `score` says of the same file."""
    instance = find_instance(NAME)
    told = json.loads(run(NAME, answer, "--json"))
    greedy = registry.make("popular-first").solve(instance, Run.seeded(0))
    assert told["cost"] == pytest.approx(evaluate(instance, greedy).cost, rel=1e-12)
