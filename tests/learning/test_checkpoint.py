"""Checkpoints: a killed training goes on to the very same policy, and another's checkpoint is refused."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from mincache.errors import DocumentError, InputError
from mincache.generation.scenario import Scenario
from mincache.learning.checkpoint import Checkpoint
from mincache.learning.training import Session
from mincache.solving import registry
from mincache.views.episodes import Episodes

TOY = Scenario(users=2, models=2, slots=10)
EPISODES = Episodes(TOY, TOY.library(5), seed=1)
SOLVER = "ddpg[episodes=60,hidden=8,warmup=30,updates=2,batch=8,replay=250]"


class KilledError(Exception):
    """What stands for a kill."""


def kill_after(rounds: int):
    """A watcher that ends the training in a certain round."""
    left = iter(range(rounds))

    def watch(episode, reward, answer):
        if next(left, None) is None:
            raise KilledError

    return watch


@pytest.mark.parametrize("rounds", [0, 1, 2, 5])
def test_a_killed_training_goes_on_bit_for_bit(tmp_path, rounds):
    """Killed before, at and after a save, with the memory overflowing, it ends on the same weights."""
    solver, path = registry.make(SOLVER), tmp_path / "c"
    whole = solver.train(EPISODES)
    with pytest.raises(KilledError):
        solver.train(EPISODES, kill_after(rounds), checkpoint=Checkpoint(path, {"a": 1}, every=20))
    again = solver.train(EPISODES, checkpoint=Checkpoint(path, {"a": 1}, every=20))
    assert again.card == whole.card
    assert all((again.weights[name] == weight).all() for name, weight in whole.weights.items())


def test_a_checkpoint_skips_what_is_done(tmp_path):
    """Only the rounds after the last save are played again, and the notes are back."""
    solver, path = registry.make(SOLVER), tmp_path / "c"
    checkpoint = Checkpoint(path, {"a": 1}, every=20)
    checkpoint.notes["seen"] = 3
    with pytest.raises(KilledError):
        solver.train(EPISODES, kill_after(4), checkpoint=checkpoint)
    restored, heard = Checkpoint(path, {"a": 1}, every=20), []
    solver.train(EPISODES, lambda episode, *_: heard.append(episode), checkpoint=restored)
    assert heard == [50, 60]
    assert restored.notes == {"seen": 3}


def test_anothers_checkpoint_is_refused(tmp_path):
    """A file of another training, of another kind, or no safetensors at all, is one line."""
    path = tmp_path / "c"
    Checkpoint(path, {"a": 1}, every=1).save(5, {"x": np.zeros(2, dtype=np.float32)})
    with pytest.raises(DocumentError, match="training: must be the one that is asked for"):
        Checkpoint(path, {"a": 2})
    save_file({"x": np.zeros(2)}, path)
    with pytest.raises(DocumentError, match="must be present"):
        Checkpoint(path, {"a": 1})
    path.write_bytes(b"junk")
    with pytest.raises(DocumentError, match="must be safetensors"):
        Checkpoint(path, {"a": 1})


KEPT = np.arange(4, dtype=np.float32)


@pytest.mark.parametrize(
    ("header", "arrays"),
    [
        ({"episodes": 10}, {"x": KEPT}),
        ({"notes": {"curve": [1]}}, {"x": KEPT}),
        ({}, {"x": KEPT + 1}),
        ({}, {"x": KEPT[:, None]}),
        ({}, {"x": KEPT.astype(np.float64)}),
        ({}, {"y": KEPT}),
        ({}, {"x": KEPT, "y": KEPT}),
    ],
)
def test_a_changed_checkpoint_is_refused(tmp_path, header, arrays):
    """One that is not as it was written would go on to another policy."""
    path = tmp_path / "c"
    Checkpoint(path, {"a": 1}, every=1).save(5, {"x": KEPT})
    with safe_open(path, "numpy") as file:
        written = json.loads(file.metadata()["mincache"])
    save_file({"x": KEPT}, path, metadata={"mincache": json.dumps(written)})
    assert Checkpoint(path, {"a": 1}).episodes == 5
    save_file(arrays, path, metadata={"mincache": json.dumps(written | header)})
    with pytest.raises(DocumentError, match="sha256: must be that of the rest of the file"):
        Checkpoint(path, {"a": 1})


@pytest.mark.parametrize("change", ["shape", "lack", "place"])
def test_a_checkpoint_of_other_arrays_is_refused(tmp_path, change):
    """What is whole and does not fit the learner, as one of another make would not, is one line."""
    solver, path = registry.make(SOLVER), tmp_path / "c"
    with pytest.raises(KilledError):
        solver.train(EPISODES, kill_after(3), checkpoint=Checkpoint(path, {}, every=10))
    kept = Checkpoint(path, {})
    first = min(kept.arrays)
    odd = {"shape": {first: np.zeros((3, 3), np.float32)}, "lack": {}, "place": {"actor_optimiser.x.y": KEPT}}
    arrays = {name: array for name, array in kept.arrays.items() if name != first} | odd[change]
    kept.every = 0
    kept.save(kept.episodes, arrays)
    with pytest.raises(InputError, match=r"checkpoint: .* must hold what this training keeps"):
        solver.train(EPISODES, checkpoint=Checkpoint(path, {}))


@pytest.mark.parametrize("notes", [{"curve": [1]}, {"curve": 3}, {"seconds": ["x", 1.0]}, {"started": 3}])
def test_odd_notes_of_a_checkpoint_are_refused(tmp_path, notes):
    """What a training does not note itself is one line."""
    checkpoint = Checkpoint(tmp_path / "c", {})
    checkpoint.notes |= notes
    with pytest.raises(InputError, match=next(iter(notes))):
        Session(registry.make(SOLVER), EPISODES, checkpoint, lambda episode, point: None)


def test_a_checkpoint_can_be_removed(tmp_path):
    """When a training is over its checkpoint goes, whether or not one was ever written."""
    checkpoint = Checkpoint(tmp_path / "c", {}, every=1)
    checkpoint.remove()
    checkpoint.save(1, {"x": np.zeros(1)})
    checkpoint.remove()
    assert not list(tmp_path.iterdir())
