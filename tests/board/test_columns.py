from mincache.board import columns


def test_numbers_are_written_as_readers_expect():
    """Costs have 3 decimals, fractions are percentages, times have 3 significant digits."""
    assert columns.cost(12.34567) == "12.346"
    assert columns.percent(0.24567) == "24.6%"
    assert columns.percent(0.24567, 2) == "24.57%"
    assert columns.duration(0.000563) == "0.563 ms"
    assert columns.duration(12.345) == "12.3 s"


def test_nothing_is_a_dash_and_zero_has_no_sign():
    """A missing number is not a zero, and rounding noise is not negative."""
    assert columns.cost(None) == columns.percent(None) == columns.duration(None) == "-"
    assert columns.percent(-1e-15, 2) == "0.00%"


def test_failures_are_listed():
    """Every kind stands with its count."""
    assert columns.failures({"crash": 3, "wall": 1}) == "3 crash, 1 wall"
    assert columns.failures({}) == ""


def test_headings_join_what_a_terminal_breaks():
    """The hyphen of a broken word goes with the break."""
    headings = [column.heading for column in columns.COLUMNS if not column.wide]
    assert headings == [
        "solver", "mean cost", "gap", "hit ratio", "hits <= A1", "feasible", "failures", "median solve",
        "seeds", "covers", "raw broken",
    ]  # fmt: skip


def test_a_range_of_one_is_one():
    """A rank that the seeds leave no doubt of is a single number."""
    assert columns.between("2", "2") == "2"
    assert columns.between("2", "3") == "2 to 3"
