"""Learners with policy files: which policy is taken, and which parameters no training can have."""

import os
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from mincache import InputError, Run, Scenario
from mincache.bench.limits import Limits
from mincache.bench.plan import plan
from mincache.errors import DocumentError
from mincache.generation.suites import find, find_instance
from mincache.learning import policies
from mincache.learning.torch_setup import one_thread
from mincache.solving import registry
from mincache.solving.contents import Content, digest_of
from mincache.solving.entrant import describe

INSTANCE = find_instance("smoke-v1.l0.n10.t0")


@pytest.fixture(scope="module")
def shipped():
    """The policy that ships for the instance."""
    return registry.make("ddpg").find(INSTANCE)


def test_a_named_policy_is_taken_as_it_comes(shipped):
    """Without other parameters the file tells what they were; with the same ones too."""
    assert registry.make(f"ddpg[policy={shipped}]").supports(INSTANCE) is None
    assert registry.make(f"ddpg[policy={shipped},variant=matched]").supports(INSTANCE) is None
    literal = registry.make("ddpg[variant=literal]").find(INSTANCE)
    assert registry.make(f"ddpg[policy={literal}]").supports(INSTANCE) is None
    assert registry.make(f"ddpg[policy={literal},variant=literal]").supports(INSTANCE) is None


def test_a_folder_is_searched_for_the_policy_of_the_instance(shipped, tmp_path):
    """Of a folder's policies the one answers that has the solver's parameters and is for the instance."""
    other = registry.make("ddpg").find(find_instance("smoke-v1.l1.n18.t0"))
    literal = registry.make("ddpg[variant=literal]").find(INSTANCE)
    for path in (shipped, other, literal):
        shutil.copy(path, tmp_path)
    (tmp_path / "notes.txt").write_text("anything")
    solver = registry.make(f"ddpg[policy={tmp_path}]")
    assert solver.find(INSTANCE) == tmp_path / shipped.name
    assert solver.solve(INSTANCE, Run.seeded(0)) == registry.make("ddpg").solve(INSTANCE, Run.seeded(0))
    assert sorted(path.name for path in solver.data_files()) == sorted([shipped.name, other.name])
    assert registry.make(f"ddpg[policy={tmp_path},variant=literal]").find(INSTANCE).name == literal.name
    assert "users" in solver.supports(find_instance("smoke-v1.l0.n18.t0"))
    declined = registry.make(f"ddpg[policy={tmp_path},batch=7]").supports(INSTANCE)
    assert "was trained with these parameters of ddpg" in declined
    assert re.search(r"\.safetensors was trained with .*batch=128", declined)


def test_training_seeds_are_repetitions(shipped, tmp_path):
    """Of policies of three training seeds repetition k has the k-th by seed; a plan has three of them."""
    policy = policies.read_policy(shipped)
    for seed, name in ((9, "a"), (4, "b"), (6, "c")):
        noise = np.random.default_rng(seed)
        weights = {k: w + noise.normal(0, 0.2, w.shape).astype(w.dtype) for k, w in policy.weights.items()}
        card = policy.card.model_copy(update={"seed": seed})
        policies.write_policy(tmp_path / f"{name}.safetensors", policies.Policy(card, weights))
    solver = registry.make(f"ddpg[policy={tmp_path}]")
    assert [solver.find(INSTANCE, k).stem for k in range(4)] == ["b", "c", "a", "b"]
    suite, entrant = find("smoke-v1"), describe(f"ddpg[policy={tmp_path}]")
    tasks = plan(suite, [entrant], 10, Limits(), instances=[INSTANCE.name])
    assert [task.cell.repetition for task in tasks] == [0, 1, 2]
    assert tasks[0].cell.solver_files == digest_of([Content.of(path) for path in solver.data_files()])
    answers = []
    for repetition, name in enumerate("bca"):
        run = Run.seeded(0)
        run.repetition = repetition
        assert solver.supports(INSTANCE) is None
        answers.append(solver.solve(INSTANCE, run))
        alone = registry.make(f"ddpg[policy={tmp_path / name}.safetensors]")
        assert answers[-1] == alone.solve(INSTANCE, Run.seeded(0))
    assert answers[0] != answers[1]


def test_a_policy_is_found_and_loaded_before_the_clock_runs(shipped, tmp_path):
    """`supports` is followed by an answer that reads no file, in a copy of the solver by one that does."""
    path = Path(shutil.copy(shipped, tmp_path))
    solver = registry.make(f"ddpg[policy={path}]")
    assert solver.supports(INSTANCE) is None
    expected = registry.make(f"ddpg[policy={path}]").solve(INSTANCE, Run.seeded(0))
    path.unlink()
    assert solver.solve(INSTANCE, Run.seeded(0)) == expected
    with pytest.raises(DocumentError, match="must be a regular file"):
        pickle.loads(pickle.dumps(solver)).solve(INSTANCE, Run.seeded(0))


def test_each_problem_has_as_many_training_seeds(shipped, tmp_path):
    """A folder in which one problem lacks a policy is refused, and the problem is named."""
    policy = policies.read_policy(shipped)
    more = policies.Policy(policy.card.model_copy(update={"seed": policy.card.seed + 1}), policy.weights)
    policies.write_policy(tmp_path / "more.safetensors", more)
    shutil.copy(shipped, tmp_path)
    shutil.copy(
        registry.make("ddpg").find(find_instance("smoke-v1.l1.n18.t0")), tmp_path / "other.safetensors"
    )
    with pytest.raises(InputError, match="2 training seeds for each problem; received 1 for that of other"):
        describe(f"ddpg[policy={tmp_path}]")


def test_two_policies_of_one_training_seed_are_refused(shipped, tmp_path):
    """Nobody could tell which of them answers."""
    for name in "ab":
        shutil.copy(shipped, tmp_path / f"{name}.safetensors")
    rule = r"must differ in problem or training seed; received a.safetensors and b.safetensors"
    with pytest.raises(InputError, match=rule):
        describe(f"ddpg[policy={tmp_path}]")


@pytest.mark.parametrize(
    ("kind", "received"), [("none", "no such file"), ("folder", "a folder"), ("fifo", "another kind of file")]
)
@pytest.mark.parametrize(
    "solver", ["ddpg[policy={}]", "mincache/learning/policy_solver.py:PolicySolver[policies={}]"]
)
def test_what_is_no_file_of_a_policy_is_refused_before_a_run(solver, kind, received, tmp_path):
    """A misspelt name is no failure of a solver; what is there is told."""
    path = tmp_path / "p.safetensors"
    if kind == "folder":
        path, _ = tmp_path, path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(DocumentError, match=f"must be a regular file that exists; received {received}"):
        describe(solver.format(path))


def test_a_file_that_is_no_policy_in_a_folder_is_named(tmp_path):
    """Nothing in a folder is passed over in silence if it claims to be a policy."""
    (tmp_path / "bad.safetensors").write_bytes(b"junk")
    with pytest.raises(DocumentError, match=r"bad\.safetensors: file: must be safetensors"):
        registry.make(f"ddpg[policy={tmp_path}]").supports(INSTANCE)


def test_fit_writes_into_a_folder(tmp_path):
    """Where `policy` is a folder, what is trained is a file there, named after the training."""
    solver = registry.make(f"ddpg[policy={tmp_path},episodes=10,hidden=8,warmup=10,updates=1,batch=8]")
    path = solver.fit(Scenario(users=2, models=2, slots=4), Run.seeded(4))
    assert path.parent == tmp_path
    assert re.fullmatch(r"ddpg\.n2\.s\d+\.safetensors", path.name)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("variant=literal", "was trained with observation=counts, not index"),
        ("variant=myopic", "was trained with discount=0.99, not 0.0"),
        ("episodes=50", "was trained with episodes=500, not 50"),
    ],
)
def test_a_policy_of_other_parameters_is_declined(shipped, given, why):
    """A row never claims a variant that its policy is not."""
    assert registry.make(f"ddpg[policy={shipped},{given}]").supports(INSTANCE).endswith(why)


def test_a_policy_of_another_learner_is_declined(shipped):
    """The card names who made it."""
    assert registry.make(f"set-policy[policy={shipped}]").supports(INSTANCE).endswith("is one of ddpg")


@pytest.mark.parametrize(
    ("spec", "rule"),
    [
        ("ddpg[updates=0]", r"ddpg.updates: must lie in \[1, 1000000000\]"),
        ("ddpg[episodes=15]", "ddpg.episodes: must be a multiple of environments = 10"),
        ("ddpg[discount=1.5]", r"ddpg.discount: must lie in \[0, 1\]"),
        ("ddpg[discount=nan]", r"ddpg.discount: must lie in \[0, 1\]"),
        ("ddpg[hidden=1000000000]", r"ddpg.hidden: must lie in \[1, 2048\]"),
        ("ddpg[hidden=0]", r"ddpg.hidden: must lie in \[1, 2048\]"),
        ("ddpg[actor_rate=-1]", "ddpg.actor_rate: must be finite and >= 0"),
        ("ddpg[critic_rate=nan]", "ddpg.critic_rate: must be finite and >= 0"),
        ("ddpg[noise_first=-1]", "ddpg.noise_first: must be finite and >= 0"),
        ("ddpg[noise_last=inf]", "ddpg.noise_last: must be finite and >= 0"),
        ("ddpg[score_limit=nan]", "ddpg.score_limit: must be finite and >= 0"),
        ("ddpg[replay=500]", "ddpg.replay: must be >= 1000, warmup and environments"),
        ("ddpg[replay=5,warmup=5]", "ddpg.replay: must be >= 10, warmup and environments"),
        ("set-policy[width=4096]", r"set-policy.width: must lie in \[1, 2048\]"),
        ("set-policy[rate=inf]", "set-policy.rate: must be finite and >= 0"),
    ],
)
def test_what_no_training_can_have_is_refused(spec, rule):
    """The line names the parameter and the rule."""
    with pytest.raises(InputError, match=f"^{rule}; received"):
        registry.make(spec)


@pytest.mark.parametrize(
    ("name", "given"),
    [("ddpg", {"discount": 0}), ("ddpg", {"noise_last": 0, "score_penalty": 0}),
     ("t2drl", {"noise_first": 1}), ("droo", {"noise": 0, "decay": 0})],
)  # fmt: skip
def test_a_number_that_may_be_0_may_be_given_as_a_whole_one(name, given):
    """In Python, `discount=0` is what `discount=0.0` is."""
    kind = registry.load(name)
    assert kind(**given) == kind(**{field: float(value) for field, value in given.items()})


@pytest.fixture
def three_threads():
    """Let torch have three threads for a test."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_threads_are_given_back(three_threads):
    """One thread computes inside, and the others are back even after an error."""
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 3
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert torch.get_num_threads() == 3
