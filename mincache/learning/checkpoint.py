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
from typing import Any, Literal

import numpy as np
from pydantic import Field
from safetensors.numpy import save

from mincache.errors import InputError, in_file
from mincache.files.documents import parse_json, write_bytes
from mincache.files.tables import StrictTable, Whole, validated
from mincache.learning.policies import open_tensors
from mincache.problem.quantity import Array

MAX_CHECKPOINT_BYTES = 2 * 1024**3
"""A checkpoint may not be larger than this; with 25,000 transitions of 18 users it holds about 54 MB."""
_HEADER_KEY = "mincache"


class CheckpointHeader(StrictTable):
    """The header of a checkpoint.

    Attributes:
        format: the format's tag.
        training: everything that decides the training, as JSON values.
        episodes: how many are done.
        notes: what whoever watches the training wants to have back.
        sha256: of all the rest of the file, so that one that was changed is not gone on from.
    """

    format: Literal["mincache-checkpoint/1"] = "mincache-checkpoint/1"
    training: dict[str, Any]
    episodes: Whole = 0
    notes: dict[str, Any] = Field(default_factory=dict)
    sha256: str = ""

    def sealed(self, arrays: Mapping[str, Array]) -> CheckpointHeader:
        """Return the same with the digest of itself and of the learner's arrays."""
        digest = sha256(self.model_copy(update={"sha256": ""}).model_dump_json().encode())
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array.data)
        return self.model_copy(update={"sha256": digest.hexdigest()})


class Checkpoint:
    """Where a training is kept.

    Args:
        path: the file; it need not exist yet.
        training: everything that decides the training, as JSON values.
        every: episodes between two saves, at least.

    Attributes:
        notes: kept and restored with the arrays; whoever watches the training writes them.

    Raises:
        DocumentError: if the file is no checkpoint, is not as it was written, or is one of another training.
    """

    def __init__(self, path: Path, training: Mapping[str, Any], every: int = 50) -> None:
        self.path, self.every = path, every
        progress, self._arrays = CheckpointHeader(training=dict(training)), dict[str, Array]()
        if path.exists():
            with in_file(path):
                progress, self._arrays = _read(path, progress)
        self._training, self.notes = progress.training, progress.notes
        self._episodes = progress.episodes

    @property
    def episodes(self) -> int:
        """How many episodes are kept."""
        return self._episodes

    def load(self) -> tuple[int, dict[str, Array]]:
        """Return the episodes that are done and the learner's arrays then: 0 and none at first."""
        return self._episodes, self._arrays

    def save(self, episodes: int, arrays: Mapping[str, Array]) -> None:
        """Keep the learner's arrays after `episodes`, unless the last save is too recent."""
        if episodes - self._episodes < self.every:
            return
        self._episodes = episodes
        progress = CheckpointHeader(training=self._training, episodes=episodes, notes=self.notes).sealed(
            arrays
        )
        write_bytes(self.path, save(dict(arrays), metadata={_HEADER_KEY: progress.model_dump_json()}))

    def remove(self) -> None:
        """Delete the file, when the training is over."""
        self.path.unlink(missing_ok=True)


def _read(path: Path, wanted: CheckpointHeader) -> tuple[CheckpointHeader, dict[str, Array]]:
    with open_tensors(path, MAX_CHECKPOINT_BYTES) as file:
        header = (file.metadata() or {}).get(_HEADER_KEY, "{}")
        progress = validated(CheckpointHeader, parse_json(header.encode()))
        if progress.training != json.loads(wanted.model_dump_json())["training"]:
            advice = "repeat the command that began it, or delete the file"
            raise InputError("training", "must be the one that is asked for", "another", advice)
        arrays = {name: np.array(file.get_tensor(name)) for name in sorted(file.keys())}
        if progress.sealed(arrays) != progress:
            advice = "delete the file, and begin anew"
            raise InputError("sha256", "must be that of the rest of the file", "another", advice)
        return progress, arrays
