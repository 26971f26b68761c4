"""How instances and solutions show themselves: charts, labelled arrays, and tables for notebooks."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mincache.errors import InputError, optional_library
from mincache.problem.quantity import Array, Typed, quantities
from mincache.problem.units import ratio_to_decibel

if TYPE_CHECKING:
    import altair
    import xarray

_AXES = {"T": "slot", "N": "user", "M": "model"}
_MOST_SLOTS, _MOST_CELLS, _FEW_USERS = 100, 6000, 30
_WIDTH, _ROW_HEIGHT, _BAR_HEIGHT = 640, 18, 120
_NARROWEST, _WIDEST = 6, 32  # of a slot, in pixels
_TALLEST = 420
_BLUE, _RED, _YELLOW, _GRAY, _PALE, _BLACK = (
    "#3a8bb5", "#c2512f", "#d9a13b", "#8a949a", "#d3e4ee", "#2d3940",
)  # fmt: skip
_OUTCOMES = {
    "cloud": _GRAY,
    "edge, worst quality (at most A1 steps)": _RED,
    "edge, between (A1 to A3 steps)": _YELLOW,
    "edge, best quality (A3 steps or more)": _BLUE,
}
_A3_TOLERANCE = 1e-9  # relative; shares are rounded down so that they never sum to more than 1


def sizes(*counts: int) -> str:
    """Return the lengths of the axes slots, users and models in words."""
    return ", ".join(f"{n} {axis}{'s' * (n != 1)}" for n, axis in zip(counts, _AXES.values(), strict=True))


def html_table(title: str, rows: Iterable[Sequence[object]], header: Sequence[str] = ()) -> str:
    """Return a small table as HTML, its text escaped: what a notebook shows."""

    def row(cells: Sequence[object], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"

    head = f"<thead>{row(header, 'th')}</thead>" if header else ""
    body = "".join(row(cells, "td") for cells in rows)
    return f"<table><caption>{html.escape(title)}</caption>{head}<tbody>{body}</tbody></table>"


def dataset(parts: Iterable[Typed], name: str) -> xarray.Dataset:
    """Return every quantity of `parts` as an array with named axes; unit and meaning are its attributes."""
    xr = optional_library("xarray", "data", "to_xarray needs")
    variables = {
        field: xr.Variable(
            [_AXES[axis] for axis in meaning.shape],
            getattr(part, field),
            {"units": meaning.unit, "long_name": meaning.about, "symbol": meaning.symbol},
        )
        for part in parts
        for field, meaning in quantities(type(part)).items()
    }
    found: xarray.Dataset = xr.Dataset(variables, attrs={"name": name})
    return found


def instance_chart(
    requested: Array, channel_gain: Array, size_gb: Array, storage_gb: float, first: int, stop: int | None
) -> altair.VConcatChart:
    """Return a chart of the requests for each model, the models' sizes and the users' channels."""
    alt = optional_library("altair", "plots", "charts need")
    shown = _shown(requested.shape[0], max(requested.shape[1], size_gb.size), first, stop)
    gain_db = np.asarray(ratio_to_decibel(channel_gain)).round(2)
    rows = list(_requests(shown, model=requested, gain_db=gain_db))
    chart, slot = alt.Chart(alt.InlineData(rows)), _slot_axis(alt, requested.shape[0], shown)
    models = _category(alt, "model", size_gb.size)
    asked = chart.mark_rect().encode(
        slot, models, alt.Color("count():Q", title="requests").scale(scheme="blues"),
        tooltip=["slot:O", "model:O", "count():Q"],
    )  # fmt: skip
    stored = [{"model": m, "size": size} for m, size in enumerate(size_gb.tolist())]
    bars = alt.Chart(alt.InlineData(stored)).mark_bar(color=_GRAY).encode(
        alt.X("size:Q", title=f"size (GB); storage is {storage_gb:g} GB"),
        models.title(None), tooltip=["model:O", "size:Q"],
    )  # fmt: skip
    heard = chart.mark_rect().encode(
        slot, _category(alt, "user", requested.shape[1]),
        alt.Color("gain_db:Q", title="channel gain (dB)").scale(scheme="viridis"),
        tooltip=["slot:O", "user:O", "gain_db:Q"],
    )  # fmt: skip
    wide, tall, taller = _sizes(alt, shown, size_gb.size, requested.shape[1])
    top = alt.hconcat(asked.properties(width=wide, height=tall), bars.properties(width=160, height=tall))
    bottom = heard.properties(width=wide, height=taller)
    found: altair.VConcatChart = alt.vconcat(top, bottom).resolve_scale(color="independent")
    return found


def solution_chart(
    decisions: tuple[Array, Array, Array], requested: Array, steps: float, onset: Array, saturation: Array,
    first: int, stop: int | None,
) -> altair.VConcatChart:  # fmt: skip
    """Return a chart of what is cached, how each request is answered, and how the shares are split."""
    alt = optional_library("altair", "plots", "charts need")
    cache, bandwidth_share, step_share = decisions
    shown = _shown(requested.shape[0], max(requested.shape[1], cache.shape[1]), first, stop)
    outcome = _outcomes(cache, requested, step_share * steps, onset, saturation)
    values = {"model": requested, "outcome": outcome, "bandwidth": bandwidth_share, "steps": step_share}
    rows = list(_requests(shown, **values))
    cached = [{"slot": int(t), "model": int(m)} for t, m in np.argwhere(cache) if t in shown]
    chart, slot = alt.Chart(alt.InlineData(rows)), _slot_axis(alt, requested.shape[0], shown)
    present = [name for name in _OUTCOMES if (outcome[shown.start : shown.stop] == name).any()]
    colour = alt.Color("outcome:N", title="request answered by").legend(labelLimit=300)
    colour = colour.scale(domain=present, range=[_OUTCOMES[name] for name in present])
    told = ["slot:O", "user:O", "model:O", "outcome:N", "bandwidth:Q", "steps:Q"]
    models = _category(alt, "model", cache.shape[1])
    held = alt.Chart(alt.InlineData(cached)).mark_rect(color=_PALE).encode(slot, models)
    counts = Counter((row["slot"], row["model"]) for row in rows).values()
    number = alt.Size("count():Q", title="requests for the model").scale(domain=[0, max(counts)])
    asked = chart.mark_circle(color=_BLACK, opacity=1).encode(
        slot, models, number.legend(values=sorted({1, (1 + max(counts)) // 2, max(counts)})),
        tooltip=["slot:O", "model:O", "count():Q"],
    )  # fmt: skip
    line = 0.4 if requested.shape[1] <= _FEW_USERS else 0.0
    users = chart.mark_rect(stroke="white", strokeWidth=line).encode(
        slot, _category(alt, "user", requested.shape[1]), colour, tooltip=told
    )
    wide, tall, taller = _sizes(alt, shown, cache.shape[1], requested.shape[1])
    top = alt.layer(held, asked).properties(title="Cached models (shaded) and requests (dots)", height=tall)
    middle = users.properties(title="How each request is answered", height=taller)
    shares = (
        chart.mark_bar(stroke="white", strokeWidth=line).encode(
            slot, alt.Y(f"{field}:Q", title="share").scale(domainMax=1).axis(format="%"), colour,
            detail="user:O", tooltip=told,
        ).properties(title=title, height=_BAR_HEIGHT)
        for field, title in (("bandwidth", "Uplink bandwidth"), ("steps", "Denoising steps"))
    )  # fmt: skip
    found: altair.VConcatChart = alt.vconcat(*(one.properties(width=wide) for one in (top, middle, *shares)))
    return found


def _outcomes(cache: Array, requested: Array, steps: Array, onset: Array, saturation: Array) -> Array:
    """Return how each request is answered, text [T, N]."""
    hit = np.take_along_axis(cache, requested, axis=1) != 0
    served = steps >= saturation[requested] * (1.0 - _A3_TOLERANCE)
    improved = steps > onset[requested]
    cloud, worst, between, best = _OUTCOMES
    return np.select([~hit, served, improved], [cloud, best, between], worst)


def _shown(slot_count: int, rows: int, first: int, stop: int | None) -> range:
    """Return the slots to show."""
    most = max(1, min(_MOST_SLOTS, _MOST_CELLS // rows))
    found = range(first, min(slot_count, first + most if stop is None else stop))
    if first < 0 or not found:
        rule = f"must begin at a slot from 0 to {slot_count - 1} and stop after it"
        raise InputError("slots", rule, f"first={first}, stop={stop}")
    return found


def _requests(shown: range, **values: Array) -> Iterator[dict[str, Any]]:
    """Yield a row for each request of the slots shown."""
    listed = {name: array[shown.start : shown.stop].tolist() for name, array in values.items()}
    for t, *slots in zip(shown, *listed.values(), strict=True):
        for n, cells in enumerate(zip(*slots, strict=True)):
            yield {"slot": t, "user": n, **dict(zip(listed, cells, strict=True))}


def _slot_axis(alt: Any, slot_count: int, shown: range) -> Any:
    some = f"slot ({shown.start} to {shown.stop - 1} of 0 to {slot_count - 1})"
    title = "slot" if len(shown) == slot_count else some
    axis = {"labelOverlap": "greedy", "labelAngle": 0, "labelSeparation": 5}
    return alt.X("slot:O", title=title).scale(domain=list(shown)).axis(**axis)


def _category(alt: Any, field: str, count: int) -> Any:
    return alt.Y(f"{field}:O", title=field).scale(domain=list(range(count))).axis(labelOverlap="greedy")


def _sizes(alt: Any, shown: range, models: int, users: int) -> tuple[Any, int, int]:
    """Return the width of a slot, and the heights of a chart of so many models and of so many users."""
    heights = (min(_TALLEST, _ROW_HEIGHT * count) for count in (models, users))
    return alt.Step(min(_WIDEST, max(_NARROWEST, _WIDTH // len(shown)))), *heights
