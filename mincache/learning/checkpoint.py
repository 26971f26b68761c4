"""Checkpoints: a training as far as it is, so that a killed one goes on as if nothing had happened.

A checkpoint is one safetensors file, replaced in one step: the arrays of the learner, and a header that
says which training this is and how far. Every round of a training draws from a random stream of its own,
so no generator's state needs to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field
from safetensors.numpy import save

from mincache.errors import InputError, excerpt, in_file, line_of
from mincache.files.documents import parse_json, write_bytes
from mincache.files.tables import StrictTable, Whole, validated
from mincache.learning.policies import open_tensors, tensor
from mincache.problem.quantity import Array

if TYPE_CHECKING:  # torch, which is loaded by who trains
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from mincache.learning.replay import Replay

    Part = nn.Module | Optimizer | Replay

MAX_CHECKPOINT_BYTES = 2 * 1024**3
"""A checkpoint may not be larger than this; with 25,000 transitions of 18 users it holds about 54 MB."""
_HEADER_KEY = "mincache"


class CheckpointHeader(StrictTable):
    """The header of a checkpoint; `sha256` is of all the rest of the file, which must be as it was written.

    Attributes:
        training: everything that decides the training, as JSON values.
        notes: what whoever watches the training wants to have back.
    """

    format: Literal["mincache-checkpoint/1"] = "mincache-checkpoint/1"
    training: dict[str, Any]
    episodes: Whole = 0
    notes: dict[str, Any] = Field(default_factory=dict)
    sha256: str = ""

    def sealed(self, arrays: Mapping[str, Array]) -> CheckpointHeader:
        """Return the same with the digest of itself and of the learner's arrays."""
        digest = sha256(self.model_copy(update={"sha256": ""}).model_dump_json().encode())
        digest.update(save(dict(arrays)))
        return self.model_copy(update={"sha256": digest.hexdigest()})


class Checkpoint:
    """Where a training is kept; its file need not exist yet, and one of another training is refused.

    Args:
        training: everything that decides the training, as JSON values.
        every: episodes between two saves, at least.

    Attributes:
        arrays: the learner's after so many `episodes`; none at first.
        notes: kept and restored with the arrays; whoever watches the training writes them.
    """

    def __init__(self, path: Path, training: Mapping[str, Any], every: int = 50) -> None:
        self.path, self.every = path, every
        header, self.arrays = CheckpointHeader(training=dict(training)), dict[str, Array]()
        if path.exists():
            with in_file(path):
                header, self.arrays = _read(path, header)
        self._training, self.episodes, self.notes = header.training, header.episodes, header.notes

    def save(self, episodes: int, arrays: Mapping[str, Array]) -> None:
        """Keep the learner's arrays after `episodes`, unless the last save is too recent."""
        if episodes - self.episodes < self.every:
            return
        self.episodes = episodes
        header = CheckpointHeader(training=self._training, episodes=episodes, notes=self.notes)
        metadata = {_HEADER_KEY: header.sealed(arrays).model_dump_json()}
        write_bytes(self.path, save(dict(arrays), metadata=metadata))

    def remove(self) -> None:
        """Delete the file, when the training is over."""
        self.path.unlink(missing_ok=True)


def _read(path: Path, wanted: CheckpointHeader) -> tuple[CheckpointHeader, dict[str, Array]]:
    with open_tensors(path, MAX_CHECKPOINT_BYTES) as file:
        text = (file.metadata() or {}).get(_HEADER_KEY, "{}")
        header = validated(CheckpointHeader, parse_json(text.encode()))
        if header.training != json.loads(wanted.model_dump_json())["training"]:
            began = str(header.training.get("command", "another"))
            advice = "repeat the command that began it, or delete the file"
            raise InputError("training", "must be the one that is asked for", began, advice)
        arrays = {name: tensor(file, name) for name in sorted(file.keys())}
        if header.sealed(arrays) != header:
            advice = "delete the file, and begin anew"
            raise InputError("sha256", "must be that of the rest of the file", "another", advice)
        return header, arrays


def arrays_of(parts: Mapping[str, Part]) -> dict[str, Array]:
    """Return the state of networks, optimisers and memories, each array named `part.name`."""
    return {
        f"{title}.{name}": tensor.detach().cpu().numpy()
        for title, part in parts.items()
        for name, tensor in _tensors(part.state_dict()).items()
    }


def restore(parts: Mapping[str, Part], arrays: Mapping[str, Array]) -> None:
    """Give the parts the state that `arrays_of` returned of parts like them."""
    import torch

    for title, part in parts.items():
        prefix = f"{title}."
        own = {k.removeprefix(prefix): torch.from_numpy(v) for k, v in arrays.items() if k.startswith(prefix)}
        try:
            state = _optimiser_state(part, own) if isinstance(part, torch.optim.Optimizer) else own
            part.load_state_dict(state)
        except (RuntimeError, LookupError, TypeError, ValueError) as error:
            rule, advice = "must hold what this training keeps", "delete the file, and begin anew"
            raise InputError(f"checkpoint: {title}", rule, excerpt(line_of(error)), advice) from None


def _tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    if "param_groups" not in state:
        return dict(state)
    return {f"{i}.{name}": value for i, values in state["state"].items() for name, value in values.items()}


def _optimiser_state(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return a `state_dict` with these moments, and the optimiser's own settings."""
    state: dict[int, dict[str, Tensor]] = {}
    for place, value in tensors.items():
        index, _, name = place.partition(".")
        state.setdefault(int(index), {})[name] = value
    return {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
