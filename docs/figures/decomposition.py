"""Draw the figures of docs/decomposition.md: `python docs/figures/decomposition.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import altair as alt
import numpy as np
from speed import measured

from mincache.exact import improvements, optimal_bandwidth, regrets
from mincache.generation.suites import find_instance
from mincache.problem.instance import Server

FOLDER = Path(__file__).parent
SIZE = {"width": 300, "height": 190}


def save(chart: alt.TopLevelMixin, name: str) -> None:
    """Write a chart as an SVG beside this file."""
    chart.save(FOLDER / f"{name}.svg")


def regret_of_one_user() -> alt.LayerChart:
    """One user's regret over the steps it gets, and the chord that a fractional filling takes it for."""
    instance = find_instance("paper-v1.l0.n10.t0")
    found, models = regrets(instance, optimal_bandwidth(instance)), instance.models
    m = int(found.unserved.argmax())
    A1, A3 = models.steps_onset[m], models.steps_saturation[m]
    bends = [(0.0, found.unserved[m]), (A1, found.onset[m]), (A3, 0.0)]
    rows = [{"steps": s, "regret": r, "line": "regret"} for s, r in bends]
    rows += [{"steps": s, "regret": r, "line": "bound"} for s, r in (bends[0], bends[2])]
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("steps:Q", title="denoising steps given to the user"),
        y=alt.Y("regret:Q", title="regret"),
    )
    names = alt.Scale(domain=["regret", "bound"], range=[[1, 0], [4, 3]])
    line = base.mark_line().encode(
        color=alt.Color("line:N", title=None, sort=["regret", "bound"]),
        strokeDash=alt.StrokeDash("line:N", legend=None, scale=names),
    )
    return (line + base.mark_point(filled=True, size=40)).properties(**SIZE)


def bound_over_price() -> alt.LayerChart:
    """The bound on one slot's loss over the price of a step, with the storage filled by fractions."""
    instance = find_instance("paper-v1.l0.n18.t0").slot(6)
    instance = replace(instance, server=Server(storage_gb=20.0, steps=200.0))
    found, models = regrets(instance, optimal_bandwidth(instance)), instance.models
    requested = instance.trace.requested_model[0]
    cloud = np.bincount(requested, found.cloud[0], instance.model_count)
    users = np.bincount(requested, minlength=instance.model_count)
    rows = []
    for price in np.linspace(0.0, 0.015, 151):
        paid = users * np.minimum(found.unserved, price * models.steps_saturation)
        room, loss = instance.server.storage_gb, cloud.sum() - price * instance.server.steps
        for m in np.argsort(-(cloud - paid) / models.size_gb):
            part = min(1.0, room / models.size_gb[m]) if cloud[m] > paid[m] else 0.0
            room, loss = room - part * models.size_gb[m], loss - part * (cloud[m] - paid[m])
        rows.append({"price": float(price), "loss": float(loss)})
    *_, answer = improvements(instance)
    least = (answer.bound * instance.user_count) - float(found.ideal_cost[0])
    base = (
        alt.Chart(alt.Data(values=rows))
        .mark_line()
        .encode(x=alt.X("price:Q", title="price of a step"), y=alt.Y("loss:Q", title="loss of the slot"))
    )
    rule = alt.Chart(alt.Data(values=[{"loss": least, "name": "least loss"}])).mark_rule(strokeDash=[4, 3])
    return (base + rule.encode(y="loss:Q")).properties(**SIZE)


def time_over_size() -> alt.HConcatChart:
    """Time of a slot over N with 100 models, and of an instance over T with 10 users and 10 models."""
    found, panels = measured(), []
    for part, axis in (("over N", "users N"), ("over T", "slots T")):
        rows = [{"size": int(size), "ms": 1e3 * s} for size, s in found[part]["seconds"].items()]
        panel = alt.Chart(alt.Data(values=rows)).mark_line(point=True)
        x = alt.X("size:Q", title=axis, scale=alt.Scale(type="log"))
        y = alt.Y("ms:Q", title="milliseconds", scale=alt.Scale(type="log"))
        panels.append(panel.encode(x=x, y=y).properties(**SIZE))
    return alt.hconcat(*panels)


if __name__ == "__main__":
    save(regret_of_one_user(), "regret")
    save(bound_over_price(), "price")
    save(time_over_size(), "times")
