"""A slot to look at: what is cached, who asks for it, and how bandwidth and steps are shared."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mincache.errors import optional_library
from mincache.problem.instance import Instance
from mincache.problem.quantity import Array
from mincache.problem.solution import Decisions
from mincache.problem.verdict import SlotScores

_WIDTH, _HEIGHT, _LINE, _MOST_USERS = 640, 480, 14, 16
FRAME_SHAPE = (_HEIGHT, _WIDTH, 3)
"""Of a picture."""
_BACKGROUND, _INK = (255, 255, 255), (32, 32, 32)
_HIT, _MISS, _BANDWIDTH, _STEPS = (44, 132, 84), (176, 176, 176), (66, 110, 180), (214, 126, 44)


class Shown(NamedTuple):
    """A slot of one copy, with what was decided there."""

    instance: Instance
    decisions: Decisions
    scores: SlotScores
    number: int


def copies_of(slots: Instance, decisions: Decisions, scores: SlotScores, number: int) -> list[Shown]:
    """Return a step of K copies, an instance of K slots, copy by copy."""
    return [
        Shown(
            slots.between(k, k + 1),
            Decisions(*(array[k : k + 1] for array in decisions)),
            SlotScores(*(score[k : k + 1] for score in scores)),
            number,
        )
        for k in range(slots.slot_count)
    ]


def text(shown: Shown) -> str:
    """Return the slot in a few lines: the cache, a line a user, and the cost."""
    instance, (cache, bandwidth, steps) = shown.instance, shown.decisions
    cached = np.flatnonzero(cache[0])
    size_gb, storage_gb = instance.models.size_gb[cached].sum(), instance.server.storage_gb
    models = ", ".join(map(str, cached)) or "no model"
    lines = [f"slot {shown.number}: cached {models} ({size_gb:.1f} of {storage_gb:g} GB)"]
    for n, model in enumerate(instance.trace.requested_model[0, :_MOST_USERS].tolist()):
        answer = "hit " if cache[0, model] else "miss"
        lines.append(
            f"user {n:2} asks for model {model:2}: {answer}, "
            f"bandwidth {bandwidth[0, n]:6.1%}, {steps[0, n] * instance.server.steps:5.0f} steps"
        )
    if instance.user_count > _MOST_USERS:
        lines.append(f"and {instance.user_count - _MOST_USERS} users more")
    scores = shown.scores
    lines.append(
        f"cost {scores.cost[0]:.3f}: delay {scores.delay_s[0]:.2f} s, total variation {scores.tv[0]:.1f}, "
        f"hit ratio {scores.hit_ratio[0]:.0%}"
    )
    return "\n".join(lines)


def frame(shown: Shown) -> Array:
    """Return the slot as a picture, uint8 [height, width, 3]."""
    image = optional_library("PIL.Image", "ddpg", "rendering a frame needs").new(
        "RGB", (_WIDTH, _HEIGHT), _BACKGROUND
    )
    draw = optional_library("PIL.ImageDraw", "ddpg", "rendering a frame needs").Draw(image)
    first, *users, last = text(shown).splitlines()
    draw.text((10, 8), first, _INK)
    draw.text((10, _HEIGHT - 24), last, _INK)
    instance, (cache, bandwidth, steps) = shown.instance, shown.decisions
    _cache_row(draw, instance, cache[0])
    for n, line in enumerate(users):
        top = 110 + n * (_LINE + 6)
        draw.text((10, top), line.partition(":")[0], _INK)
        if n < min(instance.user_count, _MOST_USERS):
            hit = cache[0, instance.trace.requested_model[0, n]]
            draw.rectangle((150, top, 162, top + 12), fill=_HIT if hit else _MISS)
            for left, share, colour in ((180, bandwidth, _BANDWIDTH), (410, steps, _STEPS)):
                draw.rectangle((left, top, left + 210, top + 12), outline=_MISS)
                draw.rectangle((left, top, left + 210 * float(share[0, n]), top + 12), fill=colour)
    draw.text((180, 92), "share of the bandwidth", _BANDWIDTH)
    draw.text((410, 92), "share of the steps", _STEPS)
    return np.asarray(image)


def _cache_row(draw: object, instance: Instance, cache: Array) -> None:
    """Draw the models side by side, as wide as they are large; the cached ones filled."""
    scale, left = (_WIDTH - 20) / float(instance.models.size_gb.sum()), 10.0
    for model, size_gb in enumerate(instance.models.size_gb.tolist()):
        right = left + scale * size_gb
        colours = {"fill": _HIT if cache[model] else None, "outline": _INK}
        draw.rectangle((left, 36, right, 66), **colours)  # type: ignore[attr-defined]  # Pillow's
        draw.text((left + 3, 44), str(model), _INK)  # type: ignore[attr-defined]
        left = right
