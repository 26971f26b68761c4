import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from board_fixture import record, tables
from hypothesis import given
from hypothesis import strategies as st

from mincache.errors import InputError
from mincache.judging.records import CountedPoint, LoggedPoint, TracePoint
from mincache.site import charts, drawing, targets

COUNTED = (CountedPoint(2.0, 15.0), CountedPoint(8.0, 11.0))
TRACE = (TracePoint(0.1, 15.0, None), TracePoint(0.5, 10.0, None))


def _made(records):
    (table,) = tables(records)
    return table


@pytest.fixture
def made():
    """A standing of a best and a worse solver, and one that crashed."""
    best = record("best", "a", 10.0).model_copy(update={"trace": TRACE})
    logged = {"heat": (LoggedPoint(0.1, 1.0, 0.5), LoggedPoint(0.2, 2.0, 0.25))}
    counted = {"counted_trace": COUNTED, "evaluations": 8.0, "logged": logged}
    return _made([
        best, record("best", "b", 20.0),
        record("worse<&>", "a", 11.0, solve_s=2.0).model_copy(update=counted),
        record("worse<&>", "b", 26.0, solve_s=2.0), record("lost", "a", stop_reason="crash"),
    ])  # fmt: skip


def test_gaps_are_shown_in_per_cent_with_their_mean(made):
    """10 % and 30 %, on average 20 %."""
    rows = [row for row in charts.KINDS["gap"].data(made) if row["solver"] == "worse<&>"]
    assert [row["gap"] for row in rows if "gap" in row] == pytest.approx([10.0, 30.0])
    assert [row["mean"] for row in rows if "mean" in row] == pytest.approx([20.0])


def test_the_profile_ends_at_one(made):
    """Within the largest excess every solver has all instances; at none the best has."""
    rows = charts.KINDS["profile"].data(made)
    assert {row["share"] for row in rows if row["solver"] == "best"} == {1.0}
    worse = [(row["excess"], row["share"]) for row in rows if row["solver"] == "worse<&>"]
    assert worse == [(0.0, 0.0), (pytest.approx(10.0), 0.5), (pytest.approx(30.0), 1.0)]


def test_the_anytime_curve_counts_targets():
    """At 15 against 10 none of the targets up to 20 % is reached, at 10 all are."""
    shown = _made([record("best", "a", 10.0, wall_s=5.0).model_copy(update={"trace": TRACE})])
    rows = charts.KINDS["anytime"].data(shown)
    assert {row["share"] for row in rows if row["seconds"] < 0.5} == {0.0}
    assert {row["share"] for row in rows if row["seconds"] > 0.5} == {1.0}


def test_rounding_is_no_gap():
    """The last bits of a mean are not drawn, whatever is infinite stays so."""
    assert targets.rounded(-5.2e-15) == 0.0
    assert targets.rounded(12.3456789) == 12.3457
    assert targets.rounded(float("inf")) == float("inf")


def test_charts_show_the_first_solvers():
    """Of forty solvers charts of lines show ten, that of gaps thirty, and say so."""
    shown = _made([record(f"s{n:02}", "a", 10.0 + n) for n in range(40)])
    first = {f"s{n:02}" for n in range(charts.MOST_SOLVERS)}
    assert {row["solver"] for row in charts.KINDS["profile"].data(shown)} == first
    assert {row["solver"] for row in charts.KINDS["time"].data(shown)} == first
    assert charts.chart("profile", shown).specification["title"] == "the first 10 of 40 solvers"
    assert charts.chart("gap", shown).specification["title"] == "the first 30 of 40 solvers"


@pytest.mark.parametrize(("low", "high"), [(2.0, 8.0), (1.0, 1.0), (1e-6, 10.0), (0.011, 0.019)])
def test_logarithmic_axes_have_labels(low, high):
    """Whatever the span of the values, a label or more stands within it, and no crowd."""
    axis = drawing.log_axis([{"x": low}, {"x": high}], "x", "").to_dict()
    assert 1 <= len(axis["axis"]["values"]) <= 12
    ends = axis["scale"]["domain"]
    assert ends[0] < low <= high < ends[1]
    assert all(ends[0] <= tick <= ends[1] for tick in axis["axis"]["values"])


def test_outcomes_count_every_run(made):
    """Verified and failed runs add up to all of them; where nothing failed there is nothing to show."""
    rows = charts.KINDS["faults"].data(made)
    assert sum(row["runs"] for row in rows) == 5
    assert {"solver": "lost", "outcome": "crash", "runs": 1} in rows
    assert charts.KINDS["faults"].data(_made([record("s", "a", 1.0)])) == []


def test_users_need_the_suite(made):
    """Without the suite at hand nobody knows an instance's N."""
    assert charts.KINDS["users"].data(made) == []


def test_the_curve_over_evaluations_counts_targets(made):
    """Of two runs one counts: 50 % and 10 % above the best reach 4 and 11 of the 51 targets of 102."""
    rows = charts.KINDS["evaluations"].data(made)
    assert {row["solver"] for row in rows} == {"worse<&>"}
    found = [(row["evaluations"], row["share"]) for row in rows]
    assert found == [(1.0, 0.0), (2.0, 0.0392157), (8.0, 0.107843)]


def test_logged_numbers_are_shown_over_evaluations(made):
    """A point a number, over the count where there is one."""
    rows = charts.KINDS["log"].data(made)
    assert [(row["name"], row["x"], row["value"]) for row in rows] == [
        ("heat", 1.0, 0.5),
        ("heat", 2.0, 0.25),
    ]


@pytest.mark.parametrize("kind", [kind for kind in charts.KINDS if kind not in ("users", "training")])
def test_every_kind_is_drawn(made, kind):
    """Each specification becomes an SVG that names the solvers as text, and the same each time."""
    drawn = drawing.svg(charts.chart(kind, made).specification)
    texts = [element.text for element in ElementTree.fromstring(drawn).iter() if element.text]
    assert "worse<&>" in texts
    assert drawing.svg(charts.chart(kind, made).specification) == drawn


def test_a_png_is_a_png(made, tmp_path):
    """The format follows from the file's name, and another name is refused."""
    specification = charts.chart("gap", made).specification
    drawing.write(specification, tmp_path / "gap.png")
    assert (tmp_path / "gap.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"must end in \.svg or \.png"):
        drawing.write(specification, tmp_path / "gap.gif")


def test_unknown_and_empty_charts(made):
    """An unknown kind is refused with those known; nothing to draw is no chart."""
    with pytest.raises(InputError, match="must be one of gap, faults, profile"):
        charts.chart("pie", made)
    assert charts.chart("gap", _made([record("lost", "a", stop_reason="crash")])) is None


@given(st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0, float("inf")]), min_size=1, max_size=12))
def test_lines_have_every_step(values):
    """At every place a line shows the share of values at or below it, from the first to the last place."""
    steps = list(targets.steps(np.array(values), 0.0, 4.0))
    assert (steps[0][0], steps[-1][0]) == (0.0, 4.0)
    for x in (0.0, 0.4, 0.5, 0.9, 1.0, 2.5, 4.0):
        shown = [share for place, share in steps if place <= x][-1]
        assert shown == pytest.approx(sum(value <= x for value in values) / len(values))


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=9))
def test_times_are_rounded_up_by_less_than_one_in_a_hundred(values):
    """No step comes before its time, and none is seen later than that."""
    coarse = targets.coarse(np.array(values))
    assert (coarse >= np.array(values) * (1 - 1e-12)).all()
    assert (coarse <= np.array(values) * 1.0101).all()


def test_a_label_cannot_end_its_attribute(made):
    """A quotation mark in a suite's name stays text."""
    drawn = drawing.inline(charts.chart("gap", made).specification, "x", '"><script>')
    assert drawn.startswith('<svg role="img" aria-label="&quot;>&lt;script>" ')


@pytest.mark.parametrize(
    "name", ['x role="', ' style="color:red" t', 'x id="y', "url(#z)", "</text><script>"]
)
def test_names_that_look_like_markup_stay_whole_in_a_chart(name):
    """What is taken from or put into the tags of an SVG leaves its text as it is, and the SVG well-formed."""
    rows = [{"solver": name, "share": 0.5}]
    drawn = drawing.altair().Chart(drawing.altair().Data(values=rows)).mark_bar()
    encoded = drawn.encode(drawing.solver_axis(), x="share:Q")
    root = ElementTree.fromstring(drawing.inline(drawing.finished(encoded), "chart", "A chart."))
    assert name.strip() in [(one.text or "").strip() for one in root.iter()]
