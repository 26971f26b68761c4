from mincache.board import formats


def test_numbers_are_written_as_readers_expect():
    """Costs have 3 decimals, fractions are percentages, times have 3 significant digits."""
    assert formats.cost(12.34567) == "12.346"
    assert formats.percent(0.24567) == "24.6%"
    assert formats.percent(0.24567, 2) == "24.57%"
    assert formats.duration(0.000563) == "0.563 ms"
    assert formats.duration(12.345) == "12.3 s"
    assert formats.duration(7782.1) == "7780 s"


def test_nothing_is_a_dash_and_zero_has_no_sign():
    """A missing number is not a zero, and rounding noise is not negative."""
    assert formats.cost(None) == formats.percent(None) == formats.duration(None) == "-"
    assert formats.percent(-1e-15, 2) == "0.00%"


def test_failures_are_listed():
    """Every kind stands with its count."""
    assert formats.failures({"crash": 3, "wall": 1}) == "3 crash, 1 wall"
    assert formats.failures({"crash": 1}, 2) == "1 crash, 2 declined"
    assert formats.failures({}) == ""


def test_a_range_of_one_is_one():
    """A rank that the seeds leave no doubt of is a single number."""
    assert formats.between("2", "2") == "2"
    assert formats.between("2", "3") == "2 to 3"
