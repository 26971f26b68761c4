"""`mincache train`: a policy and the record of its making, or one line why not."""

import csv
import json
import math
import re
import shlex
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from mincache import Run, evaluate
from mincache.cli.train import _logging, train
from mincache.errors import InputError
from mincache.files.documents import digest
from mincache.generation.suites import find_instance
from mincache.learning.policies import read_policy
from mincache.solving import registry

SOLVER = "ddpg[hidden=8,batch=8,warmup=10,updates=1]"
ARGUMENTS = [
    SOLVER,
    "--suite",
    "smoke-v1",
    "--users",
    "10",
    "--library",
    "0",
    "--seed",
    "3",
    "--episodes",
    "20",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a training, with what was printed."""
    folder = tmp_path_factory.mktemp("training")
    with chdir(folder):
        result = CliRunner().invoke(train, ARGUMENTS, catch_exceptions=False)
    assert result.exit_code == 0
    return folder, result


def test_a_policy_and_its_record_are_written(made):
    """The record names the policy's bytes, its curve goes to the end, and the gap is above the optimum."""
    folder, result = made
    (policy,), (record,) = folder.glob("*.safetensors"), folder.glob("*.json")
    assert policy.stem == record.stem
    assert re.fullmatch(r"ddpg-episodes-20-batch-8-.*\.smoke-v1\.l0\.n10\.s3", policy.stem)
    kept = json.loads(record.read_text())
    assert kept["policy_sha256"] == digest(policy.read_bytes())
    assert kept["environment_steps"] == 20 * 10
    assert [point["episode"] for point in kept["curve"]] == [10, 20]
    assert all(point["validation_gap"] > 0 for point in kept["curve"])
    assert kept["wall_s"] > 0
    assert kept["cpu_s"] > 0
    assert "held-out" in result.output


def test_weights_can_be_float16(made, tmp_path):
    """With --float16 the weights are the same ones rounded, and the record's command says so."""
    path = tmp_path / "half.safetensors"
    CliRunner().invoke(train, [*ARGUMENTS, "--float16", "-o", str(path)], catch_exceptions=False)
    full = read_policy(next(made[0].glob("*.safetensors"))).weights
    half = read_policy(path).weights
    assert all(half[name].dtype == np.float16 for name in full)
    assert all((half[name] == weight.astype(np.float16)).all() for name, weight in full.items())
    assert json.loads(path.with_suffix(".json").read_text())["command"].endswith(" --float16")


def test_no_bar_outside_a_terminal(made):
    """Where nobody watches, one line is all that is printed."""
    assert made[1].output.count("\n") == 1


def test_the_recorded_command_makes_the_same_policy(made, tmp_path):
    """The command in a record gives the policy again, byte for byte."""
    kept = json.loads(next(made[0].glob("*.json")).read_text())
    words = shlex.split(kept["command"])
    assert words[:2] == ["mincache", "train"]
    again = tmp_path / "again.safetensors"
    CliRunner().invoke(train, [*words[2:], "-o", str(again)], catch_exceptions=False)
    assert digest(again.read_bytes()) == kept["policy_sha256"]


def test_a_trained_policy_solves_the_suite(made):
    """The policy is for the suite's own instances of its library and N, and for no other."""
    solver = registry.make(f"ddpg[policy={next(made[0].glob('*.safetensors'))}]")
    instance = find_instance("smoke-v1.l0.n10.t0")
    assert solver.supports(instance) is None
    assert evaluate(instance, solver.solve(instance, Run.seeded(0))).feasible
    assert "smoke-v1 library 0, 10 users" in solver.supports(find_instance("smoke-v1.l0.n18.t0"))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"--suite": "nowhere"}, "suite: must be one of"),
        ({"--library": "2"}, "library: must be < 2"),
        ({"--episodes": "15"}, "episodes: must be a multiple"),
        ({"--library": "0", "--users": "2000000000"}, "users: must be <= "),
        ({"--library": "0", "--users": "1000000"}, "slots times users"),
        ({"--suite": "frames-v1"}, "scenario: must have no rule that the learner does not"),
        ({0: "cloud-only"}, "solver: must be a PolicyLearner"),
        ({0: "ddpg[nothing=1]"}, "must have the parameter"),
        ({0: "ddpg[policy=old.safetensors]"}, "ddpg.policy: must be left out in a training"),
        ({0: "ddpg[variant=sets,observation=counts]"}, "must be aggregates and score-order together"),
        ({0: "ppo[action=none]"}, "ppo.action: must be one of .*cache-scores"),
        ({0: "ddpg[warmup=10,batch=100000000]"}, "training: must fit into memory"),
        ({0: "ddpg[batch=10000000000]"}, r"ddpg.batch: must lie in \[1, 1000000000\]"),
        ({0: "ppo[batch=1]"}, "ppo: must have parameters that Stable-Baselines3 can train with"),
        ({0: "ppo[spread=0]"}, "ppo: must have parameters that Stable-Baselines3 can train with"),
        ({0: "ppo[rate=1e9]"}, "ppo: must have parameters.*diverged"),
        ({0: "ddpg[warmup=10,replay=1000000000]"}, "replay: must fit into memory"),
        ({0: "ddpg[warmup=10,hidden=2048]", "--users": "1000"}, "policy: must hold at most 33554432 bytes"),
    ],
)
def test_unusable_input_is_refused(change, rule):
    """A suite, library, number or solver that cannot be trained for is an InputError."""
    words = list(ARGUMENTS)
    for key, value in change.items():
        words[key if key == 0 else words.index(key) + 1] = value
    with pytest.raises(InputError, match=rule):
        CliRunner().invoke(train, words, catch_exceptions=False)


def test_one_policy_can_be_trained_for_every_problem(tmp_path):
    """Without a library and a number of users it is for all, and the record says so."""
    path = tmp_path / "general.safetensors"
    tiny = "set-policy[episodes=4,environments=2,updates=1,width=8]"
    words = [tiny, "--suite", "smoke-v1", "--seed", "3", "-o", str(path)]
    result = CliRunner().invoke(train, words, catch_exceptions=False)
    assert result.exit_code == 0
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["command"] == f"mincache train '{tiny}' --suite smoke-v1 --seed 3"
    assert (record["card"]["problem"], record["card"]["users"]) == ("any", None)
    solver = registry.make(f"set-policy[policy={path}]")
    assert all(solver.supports(find_instance(f"smoke-v1.l{i}.n18.t0")) is None for i in (0, 1))


@pytest.mark.parametrize(
    "output", ["policy.json", "policy.checkpoint", "/dev/null", "/dev/null/policy.safetensors"]
)
def test_an_unusable_output_is_refused_before_training(tmp_path, output):
    """A name that its own record would overwrite, or a folder that cannot be made, costs no training."""
    with chdir(tmp_path):
        refused = CliRunner().invoke(train, [*ARGUMENTS, "-o", output])
    told = refused.output + str(refused.exception)
    assert "must end in .safetensors" in told or "must be a folder to write to" in told
    assert not list(tmp_path.iterdir())


def test_trainings_with_other_parameters_have_other_names(tmp_path):
    """Two variants never share the file that a training is named after, nor its checkpoint."""
    with chdir(tmp_path):
        for variant in ("literal", "one-hot"):
            words = [SOLVER.replace("[", f"[variant={variant},"), *ARGUMENTS[1:]]
            CliRunner().invoke(train, words, catch_exceptions=False)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_the_device_is_in_the_command(tmp_path):
    """What is trained on another device is another policy, so that the record's command names it."""
    path = tmp_path / "p.safetensors"
    CliRunner().invoke(train, [*ARGUMENTS, "--device", "cpu", "-o", str(path)], catch_exceptions=False)
    assert json.loads(path.with_suffix(".json").read_text())["command"].endswith(" --device cpu")


def test_a_learner_without_train_is_named(tmp_path):
    """One that has only `fit` is told what it lacks."""
    file = tmp_path / "mine.py"
    file.write_text(
        "from dataclasses import dataclass\nfrom mincache import Learner\n"
        "@dataclass(frozen=True)\nclass Mine(Learner):\n"
        "    fit = solve = train = None\n"
    )
    rule = "must be a PolicyLearner to be trained here.*call its fit"
    with pytest.raises(InputError, match=rule):
        CliRunner().invoke(train, [f"{file}:Mine", *ARGUMENTS[1:]], catch_exceptions=False)


@pytest.mark.parametrize("left_out", ["--users", "--library"])
def test_library_and_users_go_together(left_out):
    """One without the other is refused, and so are none for an agent that is for one problem alone."""
    alone = [word for i, word in enumerate(ARGUMENTS) if left_out not in (word, ARGUMENTS[i - 1])]
    with pytest.raises(InputError, match="--users and --library: must be given both"):
        CliRunner().invoke(train, alone, catch_exceptions=False)
    with pytest.raises(InputError, match="--users and --library: must be given both"):
        CliRunner().invoke(train, [SOLVER, "--suite", "smoke-v1"], catch_exceptions=False)


def test_what_happens_in_a_training_can_be_watched(tmp_path):
    """A row a round: noise falls as it is set, losses and values appear once the warming up is over."""
    log = tmp_path / "log.csv"
    arguments = [*ARGUMENTS, "--log", str(log), "-o", str(tmp_path / "p.safetensors")]
    arguments[0] = "ddpg[hidden=8,batch=8,warmup=150,updates=1]"
    assert CliRunner().invoke(train, arguments, catch_exceptions=False).exit_code == 0
    first, second = csv.DictReader(log.open())
    assert (first["episode"], second["episode"]) == ("10", "20")
    assert float(first["noise"]) == 1.0 > float(second["noise"])
    assert math.isnan(float(first["critic_loss"]))
    record = json.loads((tmp_path / "p.json").read_text())
    assert [float(row["validation_gap"]) for row in (first, second)] == [
        point["validation_gap"] for point in record["curve"]
    ]
    assert math.isfinite(float(second["critic_loss"]) + float(second["value"]) + float(second["mean_reward"]))


def test_a_training_too_short_to_learn_is_refused(tmp_path):
    """If all its transitions are met while warming up, no weight would change."""
    arguments = ["ddpg[warmup=200]", *ARGUMENTS[1:], "-o", str(tmp_path / "p.safetensors")]
    with pytest.raises(InputError, match=r"ddpg.warmup: must be below 200, the transitions of the training"):
        CliRunner().invoke(train, arguments, catch_exceptions=False)


def test_an_interrupted_training_says_how_to_go_on(tmp_path, monkeypatch):
    """It counts the episodes that are kept, and ends with status 1."""
    from mincache.learning.training import Session

    def interrupted(self, *arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "train", interrupted)
    result = CliRunner().invoke(train, [*ARGUMENTS, "-o", str(tmp_path / "p.safetensors")])
    assert result.exit_code == 1
    assert "interrupted; 0 of 20 episodes are kept; repeat the command to continue" in result.output


GRID = "ddpg[hidden=8,batch=8,warmup=10,updates=1,actor_rate=[0.001,0.01]]"
PLACE = ["--suite", "smoke-v1", "--users", "10", "--library", "0", "--episodes", "20"]


def test_a_grid_is_trained_with_each_seed(tmp_path):
    """Two settings, two seeds: four policies with records, and a row a setting, the better one first."""
    arguments = [GRID, *PLACE, "--seeds", "2", "--sweep", str(tmp_path), "--json"]
    result = CliRunner().invoke(train, arguments, catch_exceptions=False)
    first, second = rows = json.loads(result.stdout)
    assert {row["solver"].partition("actor_rate=")[2][:5] for row in rows} == {"0.001", "0.01,"}
    assert first["best"] <= first["gap"] <= first["worst"]
    assert first["gap"] <= second["gap"]
    records = [json.loads(path.read_text()) for path in tmp_path.glob("*.json")]
    assert sorted(record["card"]["seed"] for record in records) == [1, 1, 2, 2]
    assert len(list(tmp_path.glob("*.safetensors"))) == 4
    gaps = [one["curve"][-1]["validation_gap"] for one in records]
    assert sum(row["gap"] for row in rows) / 2 == pytest.approx(sum(gaps) / 4)


@pytest.mark.parametrize(
    ("solver", "more", "rule"),
    [
        (SOLVER, ["--seeds", "2"], "--sweep: must name a folder for several trainings"),
        (GRID, [], "--sweep: must name a folder for several trainings"),
        (GRID, ["--sweep", "new", "-o", "a.safetensors"], "--sweep: must come with.*received --output"),
        ("cloud-only", ["--sweep", "new"], "must be a PolicyLearner"),
        ("ddpg[warmup=[10,9999]]", ["--sweep", "new"], "ddpg.warmup: must be below 200"),
    ],
)
def test_a_sweep_is_asked_for_whole(solver, more, rule, tmp_path):
    """Several trainings need a folder, and each a learner that would learn, before the first begins."""
    with chdir(tmp_path), pytest.raises(InputError, match=rule):
        CliRunner().invoke(train, [solver, *PLACE, *more], catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_a_setting_that_is_written_twice_is_trained_once(tmp_path):
    """So no row counts one policy as two seeds."""
    twice = "ddpg[hidden=8,batch=8,updates=1,warmup=[10,10]]"
    arguments = [twice, *PLACE, "--sweep", str(tmp_path), "--json"]
    (row,) = json.loads(CliRunner().invoke(train, arguments, catch_exceptions=False).stdout)
    assert row["seeds"] == 1


@pytest.mark.parametrize("text", [b"a,b\n1,2\n", b"episode\nx\n", b"\xff\xfe\x00"])
def test_another_file_in_the_logs_place_is_refused(text, tmp_path):
    """When a training goes on, what is no log of a training stops it in one line, and stays."""
    (path := tmp_path / "log.csv").write_bytes(text)
    with pytest.raises(InputError, match="--log: must be the log of the training"):
        _logging(path, kept=20)
    assert path.read_bytes() == text


def test_a_log_keeps_its_rows_and_has_its_folder_made(tmp_path):
    """The rows up to the episodes that are kept stay when a training goes on."""
    path = tmp_path / "new" / "log.csv"
    first = _logging(path, kept=0)
    first(10, {"noise": 0.5})
    first(20, {"noise": 0.4})
    _logging(path, kept=10)(20, {"noise": 0.3})
    assert list(csv.reader(path.open())) == [["episode", "noise"], ["10", "0.5"], ["20", "0.3"]]


def test_a_library_that_is_not_there_is_refused(tmp_path):
    """Before anything is trained."""
    arguments = [GRID, *PLACE, "--library", "9", "--sweep", str(tmp_path / "new")]
    with pytest.raises(InputError, match="library: must be < 2"):
        CliRunner().invoke(train, arguments, catch_exceptions=False)
    assert not Path(tmp_path / "new").exists()
