"""Trainings: the same policies as `mincache train` makes, each made once."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from mincache.cli.train import train as train_command
from mincache.errors import DocumentError, InputError
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import generate
from mincache.generation.suites import Recipe
from mincache.learning.policies import read_policy, write_policy
from mincache.paper.trained import Training, train, train_all

SPEC = "ddpg[episodes=4,environments=2,warmup=4,batch=4,hidden=8]"


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """A training on a tiny suite."""
    folder = tmp_path_factory.mktemp("suite") / "tiny"
    recipe = Recipe(library_seed=1, trace_seed=2, libraries=2, users=(3,), traces=1)
    generate(folder, "tiny", recipe, Scenario(slots=3, models=4))
    return Training(SPEC, folder, library=1, users=3, seed=5)


def test_a_policy_is_the_one_of_the_command(training, tmp_path):
    """`mincache train` with the same arguments gives the same weights."""
    train(training, str(tmp_path / "ours"))
    theirs = tmp_path / "theirs.safetensors"
    arguments = [SPEC, "--suite", str(training.suite), "--users", "3", "--library", "1", "--seed", "5"]
    done = CliRunner().invoke(train_command, [*arguments, "-o", str(theirs)], catch_exceptions=False)
    assert done.exit_code == 0
    ours = read_policy(tmp_path / "ours.safetensors")
    other = read_policy(theirs)
    assert ours.card.problem == other.card.problem
    for name, weights in other.weights.items():
        assert (ours.weights[name] == weights).all()


def test_what_is_trained_is_found_again(training, tmp_path):
    """A second call trains nothing, and two spellings of one training are one."""
    twice = [training, replace(training, spec=SPEC.replace("hidden=8", "hidden=8,discount=0.99"))]
    told = []
    first = train_all(twice, tmp_path, 1, told.append)
    assert told == [1, 2]
    assert first[0].policy == first[1].policy
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    written, written_bytes = first[0].policy.stat().st_mtime_ns, first[0].policy.read_bytes()
    again = train_all(twice, tmp_path, 1, told.append)
    assert told == [1, 2, 2]
    assert again[0].policy.stat().st_mtime_ns == written
    assert again[0].record.card.seed == 5
    assert len(again[0].record.curve) >= 2
    write_policy(first[0].policy, read_policy(first[0].policy).in_float16())
    with pytest.raises(DocumentError, match="policy_sha256: must be that of the policy beside it"):
        train_all([training], tmp_path, 1, told.append)
    first[0].policy.unlink()
    assert train_all([training], tmp_path, 1, told.append)[0].policy.read_bytes() == written_bytes
    record = first[0].policy.with_suffix(".json")
    record.write_text(first[0].record.model_copy(update={"curve": ()}).model_dump_json())
    with pytest.raises(DocumentError, match="curve: must hold at least 1"):
        train_all([training], tmp_path, 1, told.append)
    record.write_text("{")
    with pytest.raises(DocumentError, match=f"{record.name}: document: must be JSON"):
        train_all([training], tmp_path, 1, told.append)


def test_a_training_that_fails_is_named(training, tmp_path):
    """Of many trainings side by side, whoever waits must know which one could not be done."""
    odd = replace(training, spec=SPEC.replace("hidden=8", "hidden=8,actor_rate=1e300"))
    with pytest.raises(InputError, match=r"actor_rate=1e300\], seed 5: .*diverged"):
        train_all([odd], tmp_path, 1, [].append)


def test_what_decides_a_training_is_in_its_name(training):
    """Another seed, library, N or setting is another file."""
    others = [
        replace(training, seed=6), replace(training, library=0), replace(training, users=4),
        replace(training, spec="ddpg[episodes=2,environments=2,warmup=4,batch=4,hidden=8]"),
    ]  # fmt: skip
    assert len({one.stem for one in (training, *others)}) == 5
