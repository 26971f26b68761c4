"""Charts as Altair specifications; rendering one to SVG or PNG needs no browser and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mincache.board.standing import Standing
from mincache.board.table import Row, Table
from mincache.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair

_GAP_TICKS_PERCENT = [0, 0.1, 0.3, 1, 3, 10, 30, 100, 300]
_WIDTH, _ROW_HEIGHT = 520, 28
_BLUE, _RED = "#0b6e99", "#b5432a"


def gap_chart(standing: Standing, table: Table) -> altair.LayerChart:
    """Return a chart of the gap on each common instance, a line of ticks a solver, its mean marked.

    Raises:
        MissingExtraError: if altair is not installed.
    """
    alt = _altair()
    ranked = [row for row in table.rows if row.gap is not None]
    x = alt.X("gap:Q", title="gap to the best known cost (%)").scale(type="symlog", constant=1)
    x = x.axis(values=_GAP_TICKS_PERCENT, format="~g")
    y = alt.Y("solver:N", sort=None, title=None).axis(labelLimit=280)
    each = alt.Chart(alt.InlineData(_each_gap(standing, ranked)))
    ticks = each.mark_tick(opacity=0.4, size=14, thickness=1.5, color=_BLUE)
    means = alt.Chart(alt.InlineData([{"solver": r.solver, "gap": 100 * (r.gap or 0.0)} for r in ranked]))
    marks = means.mark_point(shape="diamond", filled=True, size=70, color=_RED, opacity=1)
    layers = alt.layer(ticks.encode(x, y), marks.encode(x, y))
    sized: altair.LayerChart = layers.properties(width=_WIDTH, height=alt.Step(_ROW_HEIGHT))
    return cast("altair.LayerChart", sized.configure(background="white"))


def svg(chart: altair.LayerChart) -> str:
    """Return a chart as SVG.

    Raises:
        MissingExtraError: if vl-convert is not installed.
    """
    try:
        import vl_convert
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    return str(vl_convert.vegalite_to_svg(chart.to_dict()))


def _each_gap(standing: Standing, rows: Sequence[Row]) -> list[dict[str, Any]]:
    by_label = {standing.labels[who]: who for who in standing.results}
    gaps = {row.solver: standing.gaps(by_label[row.solver], standing.common) or [] for row in rows}
    return [{"solver": solver, "gap": 100 * gap} for solver, listed in gaps.items() for gap in listed]


def _altair() -> Any:
    try:
        import altair
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    return altair


def _missing(error: ModuleNotFoundError) -> MissingExtraError:
    return MissingExtraError(
        f"charts need {error.name}, which is not installed: pip install 'mincache[board]'"
    )
