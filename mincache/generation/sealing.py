"""Suites that nobody can know before they are revealed: a hash fixes a secret, and that draws them."""

import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tomli_w
from pydantic import Field

from mincache.files.documents import instance_bytes
from mincache.files.tables import PlainName, StrictTable, TupleOf, validated
from mincache.generation.recipes import Given, Place, Recipe, Source
from mincache.generation.scenario import Scenario
from mincache.generation.suite_writing import Document, by_library, write_suite
from mincache.generation.suites import Suite, SuiteFile
from mincache.problem.instance import Instance
from mincache.problem.quantity import quantities

_SEED_BITS = 63


class Secret(StrictTable):
    """What a sealed suite is drawn from; orders follow from the salt, which nobody can guess."""

    format: Literal["mincache-secret/1"]
    name: PlainName
    salt: str = Field(pattern="^[0-9a-f]{64}$")
    sources: TupleOf[Source] = Field(min_length=1)

    def document(self) -> bytes:
        """Return the secret's file; its SHA-256 is what is published."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True)).encode()

    def places(self) -> list[Place]:
        """Return the instances, undrawn, in the order of their names in the suite."""
        places = [place for source in self.sources for place in source.places()]
        order = np.random.default_rng(int(self.salt, 16)).permutation(len(places))
        return [places[i] for i in order]


def new_secret(
    name: str, scenarios: Sequence[Scenario], libraries: int, users: Sequence[int], traces: int
) -> Secret:
    """Return a secret with seeds from the system's source of randomness."""
    sources = []
    for number, scenario in enumerate(scenarios):
        fields = {
            "library_seed": secrets.randbits(_SEED_BITS), "trace_seed": secrets.randbits(_SEED_BITS),
            "libraries": libraries, "users": tuple(users) or (scenario.users,), "traces": traces,
        }  # fmt: skip
        recipe = validated(Recipe, fields)
        sources.append(Source(name=f"{name}.{number}", recipe=recipe, scenario=scenario.sealed()))
    secret = Secret(format="mincache-secret/1", name=name, salt=secrets.token_hex(32), sources=tuple(sources))
    secret.places()  # refuses what cannot be drawn
    return secret


def draw_sealed(secret: Secret, folder: str | os.PathLike[str]) -> Suite:
    """Draw the suite of a secret into a folder, or go on where that was interrupted."""
    content = SuiteFile(
        name=secret.name, purpose="instances that nobody knew before they were revealed", recipe=Given()
    )
    return write_suite(Path(folder), content, documents(secret))


def documents(secret: Secret) -> Iterator[Document]:
    """Yield the instances of a secret: names, what makes their documents, and what lists them."""
    places = secret.places()
    listed = by_library(((one.recipe.library_seed, one.library), one.scenario.users) for one in places)
    for k, (place, fields) in enumerate(zip(places, listed, strict=True)):
        name = f"{secret.name}.i{k:0{len(str(len(places)))}d}"
        yield name, partial(_document, secret, place, k, name), fields


def _document(secret: Secret, place: Place, k: int, name: str) -> bytes:
    rng = np.random.default_rng([int(secret.salt, 16), k])
    return instance_bytes(replace(shuffled(place.instance(), rng), name=name, origin=None))


def shuffled(instance: Instance, rng: np.random.Generator) -> Instance:
    """Return the instance with its users and its models in a random order; all else stays."""
    orders = {"N": rng.permutation(instance.user_count), "M": rng.permutation(instance.model_count)}
    parts: dict[str, Any] = {}
    for section in ("radio", "models", "trace"):
        part = getattr(instance, section)
        values = {}
        for field, meaning in quantities(type(part)).items():
            value = getattr(part, field)
            for axis, letter in enumerate(meaning.shape):
                if value is not None and letter in orders:
                    value = np.take(value, orders[letter], axis=axis)
            values[field] = value
        parts[section] = replace(part, **values)
    place_of = np.argsort(orders["M"])
    trace = parts["trace"]
    parts["trace"] = replace(trace, requested_model=place_of[trace.requested_model])
    return replace(instance, **parts)
