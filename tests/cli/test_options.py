"""Sizes and parts on the command line."""

import click
import pytest

from mincache.cli.options import part, size, variable


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("500MB", 500 * 10**6),
        ("2GB", 2 * 10**9),
        ("2gib", 2**31),
        ("1500000KB", 1500 * 10**6),
        (" 300 MiB ", 300 * 2**20),
    ],
)
def test_sizes(text, count):
    """A unit of thousands or of 1024s multiplies the number."""
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "2", "2G", "63MB", "2000TB", "1TBx", "1e9", "nan"])
def test_no_sizes(text):
    """A size without a unit, or one that no run can work with, is refused."""
    with pytest.raises(click.BadParameter):
        size(text)


@pytest.mark.parametrize("text", ["", "A=B", "="])
def test_a_variable_is_a_name_alone(text):
    """A variable without a name, or with its value, would not be what the run sees."""
    with pytest.raises(click.BadParameter, match="must be a name alone"):
        variable(text)


def test_parts():
    """I/N is a part when 1 <= I <= N."""
    assert part("2/3") == (2, 3)
    for text in ("0/3", "4/3", "1", "a/b", "1/0", "-1/3"):
        with pytest.raises(click.BadParameter):
            part(text)
