"""Columns of data files."""

import hashlib

import pandas
import pytest

from mincache.errors import InputError
from mincache.generation.data_files import column_names, file_digest, numbers, read_columns


def test_columns_are_found_by_name(tmp_path):
    """Columns come in any order, with quotes, empty lines and a byte-order mark."""
    file = tmp_path / "a.csv"
    file.write_bytes('\ufeffa,"b, c",d\r\n1,"x, y",3\r\n\r\n4,"""q""",6\r\n'.encode())
    assert column_names(str(file)) == ["a", "b, c", "d"]
    assert read_columns(str(file), ["d", "b, c"]) == {"d": ["3", "6"], "b, c": ["x, y", '"q"']}


def test_the_digest_is_sha256(tmp_path):
    """A file is known by its SHA-256, and another one is refused."""
    file = tmp_path / "a.csv"
    file.write_bytes(b"a\n1\n")
    digest = hashlib.sha256(b"a\n1\n").hexdigest()
    assert file_digest(str(file)) == file_digest(str(file), digest) == digest
    file.write_bytes(b"a\n2\n")
    with pytest.raises(InputError, match="the file has changed"):
        read_columns(str(file), ["a"], digest)


def test_a_changed_file_is_read_again(tmp_path):
    """What was read of a file is not kept beyond its content."""
    file = tmp_path / "a.csv"
    file.write_text("a\n1\n")
    assert read_columns(str(file), ["a"]) == {"a": ["1"]}
    file.write_text("a\n2\n")
    assert read_columns(str(file), ["a"]) == {"a": ["2"]}


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a\n\xff\n", b"PAR1 not parquet"])
def test_what_is_no_table_is_refused(content, tmp_path):
    """Bytes that are no CSV, or no Parquet, are refused in a line with the path."""
    file = tmp_path / ("a.parquet" if content.startswith(b"PAR1") else "a.csv")
    file.write_bytes(content)
    if file.suffix == ".parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    with pytest.raises(InputError, match=str(file)):
        read_columns(str(file), ["a"])


def test_a_damaged_parquet_file_is_refused(tmp_path):
    """Where the names can be read and the cells cannot, the refusal is a line with the path."""
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    file = tmp_path / "a.parquet"
    pandas.DataFrame({"a": [1, 2, 3]}).to_parquet(file)
    data = file.read_bytes()
    file.write_bytes(data[:4] + bytes(byte ^ 255 for byte in data[4:60]) + data[60:])
    assert "a" in column_names(str(file))
    with pytest.raises(InputError, match="must be a whole CSV or Parquet file") as caught:
        read_columns(str(file), ["a"])
    assert str(caught.value).startswith(str(file))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "column",
    [
        ("date32", [2**31 - 1]),  # a day that Python's calendar lacks
        ("duration", [2**62]),
        ("timestamp", [1]),  # in a time zone that no machine knows
    ],
)
def test_a_cell_that_python_cannot_hold_is_refused(column, tmp_path):
    """What Parquet can hold and Python cannot is refused in a line with the path."""
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    name, cells = column
    arguments = {"date32": (), "duration": ("s",), "timestamp": ("s", "Mars/Olympus")}[name]
    array = pyarrow.array(cells, getattr(pyarrow, name)(*arguments))
    parquet.write_table(pyarrow.table({"a": array}), file := tmp_path / "a.parquet")
    with pytest.raises(InputError, match="must be a whole CSV or Parquet file") as caught:
        read_columns(str(file), ["a"])
    assert str(caught.value).startswith(str(file))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_column_can_be_asked_for_twice(suffix, tmp_path):
    """One column may stand for two things."""
    file = tmp_path / f"a.{suffix}"
    if suffix == "parquet":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        pandas.DataFrame({"a": [1]}).to_parquet(file)
    else:
        file.write_text("a\n1\n")
    assert read_columns(str(file), ["a", "a"]) == {"a": ["1"]}


@pytest.mark.parametrize("cell", ["", "one", "nan", "inf"])
def test_numbers_must_be_finite(cell):
    """A cell that is no finite number is refused by its column and row."""
    with pytest.raises(InputError, match=r"size\[1\]: must be a number"):
        numbers("size", ["1", cell])
