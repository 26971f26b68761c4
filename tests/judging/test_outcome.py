"""Outcomes: whole as JSON; reports in bounded memory, the last always kept."""

from hypothesis import given
from hypothesis import strategies as st

from mincache.judging.outcome import MAX_REPORTS, MAX_REPORTS_BYTES, Outcome, keep_report


@given(st.integers(1, 3000))
def test_thinned_in_order_with_the_last(count):
    """However many reports come, few are kept, in order, the last among them."""
    kept = []
    for number in range(count):
        keep_report(kept, (float(number), str(number).encode()))
    seconds = [moment for moment, _ in kept]
    assert seconds == sorted(set(seconds))
    assert seconds[-1] == count - 1
    assert len(kept) == count if count <= MAX_REPORTS else MAX_REPORTS // 2 <= len(kept) <= MAX_REPORTS


def test_large_reports_are_bounded_in_bytes():
    """Large reports are fewer, so that their bytes stay bounded."""
    kept = []
    for number in range(100):
        keep_report(kept, (number, bytes(MAX_REPORTS_BYTES // 8)))
    assert sum(len(data) for _, data in kept) <= MAX_REPORTS_BYTES


def test_outcome_is_whole_as_json():
    """What a keeper sends is what the supervisor receives, whatever bytes it holds."""
    outcome = Outcome(
        stopped_by="wall", note="n", exit_status=-9, solve_s=1.5, closing=b"A", payload=b"\0p", raw=b"r",
        output=b"\xff", incumbents=[(0.1, b"a"), (0.2, b"")], bounds=[(0.3, b"c")],
    )  # fmt: skip
    assert Outcome.parse(outcome.dump()) == outcome
    assert Outcome.parse(Outcome().dump()) == Outcome()
