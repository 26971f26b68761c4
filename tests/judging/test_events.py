"""Events: bounded memory, the last report always kept."""

from hypothesis import given
from hypothesis import strategies as st

from mincache.judging.events import MAX_BYTES, MAX_EVENTS, Events


@given(st.integers(1, 3000))
def test_thinned_in_order_with_the_last(count):
    """However many reports come, few are kept, in order, the last among them."""
    events = Events()
    for number in range(count):
        events.add(b"n", float(number), str(number).encode())
    kept = [seconds for seconds, _ in events.of(b"n")]
    assert kept == sorted(set(kept))
    assert kept[-1] == count - 1
    assert len(kept) == count if count <= MAX_EVENTS else MAX_EVENTS // 2 <= len(kept) <= MAX_EVENTS


def test_large_reports_are_bounded_in_bytes():
    """Large reports are fewer, so that their bytes stay bounded."""
    events = Events()
    for number in range(100):
        events.add(b"n", number, bytes(MAX_BYTES // 8))
    assert sum(len(data) for _, data in events.of(b"n")) <= MAX_BYTES


def test_kinds_are_apart():
    """Many incumbents do not push out a bound."""
    events = Events()
    events.add(b"b", 0.0, b"bound")
    for number in range(1000):
        events.add(b"n", number, b"")
    assert events.of(b"b") == [(0.0, b"bound")]
    assert events.of(b"other") == []
