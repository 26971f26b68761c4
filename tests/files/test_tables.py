"""Tables into models: every refusal of pydantic's becomes one line of ours."""

import math
import subprocess
import sys
from typing import Annotated, Literal

import pytest
from bench_fixture import on_linux
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, field_validator, model_validator
from strategies import examples

from mincache.errors import DocumentError, InputError
from mincache.files.tables import MAX_TOML_BYTES, StrictTable, TupleOf, read_toml, validated
from mincache.generation.suites import SuiteFile
from mincache.problem.instance import check_name


class Inner(StrictTable):
    """A table in a table."""

    depth: int = 1


class Outer(StrictTable):
    """A table with a field of each kind of rule."""

    count: int = Field(ge=1)
    share: float = Field(default=0.5, gt=0, lt=1)
    mode: Literal["fast", "slow"] = "fast"
    words: Annotated[TupleOf[str], Field(min_length=1)] = ("a",)
    inner: Inner = Inner()
    many: TupleOf[Inner] = ()
    even: int = 2

    @field_validator("even")
    @classmethod
    def _check_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("must be even")
        return value

    @model_validator(mode="after")
    def _check_sum(self) -> "Outer":
        if self.count + self.even > 100:
            raise ValueError("count and even must sum to at most 100")
        return self


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": "x", "recipe": "y"}, "recipe: must be"),
        (
            {
                "name": "x",
                "recipe": {},
                "scenario": {"requests": {"process": "log", "file": "a", "window": {"end": math.inf}}},
            },
            "scenario.requests.window.end: must be finite",
        ),
    ],
)
def test_a_place_is_one_of_the_tables(fields, place):
    """The refusal of a value that may be of several kinds names the place in the table, and no kind."""
    recipe = {"library_seed": 1, "trace_seed": 1, "libraries": 1, "users": [2], "traces": 1}
    with pytest.raises(InputError) as caught:
        validated(SuiteFile, fields | ({"recipe": recipe} if fields["recipe"] == {} else {}))
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize("name", ["Suite 1", "..", "a" * 121, "", "a\n"])
def test_a_name_in_a_table_is_refused_as_everywhere(name):
    """What is no name of a suite is told in the words in which an instance's would be."""
    with pytest.raises(InputError) as table:
        validated(SuiteFile, {"name": name})
    with pytest.raises(InputError) as instance:
        check_name(name, "name")
    assert str(table.value) == str(instance.value)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "count: must be present; received nothing"),
        ({"count": 0}, "count: must be >= 1; received 0"),
        ({"count": None}, "count: must be a whole number; received None"),
        ({"count": 1, "share": 1}, "share: must be < 1; received 1"),
        ({"count": 1, "mode": "medium"}, "mode: must be 'fast' or 'slow'; received 'medium'"),
        (
            {"count": 1, "words": []},
            "words: must hold at least 1; received []",
        ),
        ({"count": 1, "words": [1]}, "words.0: must be text; received 1"),
        ({"count": 1, "inner": 3}, "inner: must be a table; received 3"),
        ({"count": 1, "inner": {"depth": "x"}}, "inner.depth: must be a whole number"),
        (
            {"count": 1, "inner": {"dept": 1}},
            "inner.dept: must be a known field; received an unknown one; did you mean 'depth'?",
        ),
        (
            {"count": 1, "many": [{}, {"dept": 1}]},
            "many.1.dept: must be a known field; received an unknown one",
        ),
        ({"coun": 1}, "count: must be present"),
        (
            {"count": 1, "coun": 1},
            "coun: must be a known field; received an unknown one; did you mean 'count'?",
        ),
        ({"count": 1, "zzz": 1}, "zzz: must be a known field; received an unknown one"),
        ({"count": 1, "even": 3}, "even: must be even; received 3"),
        ({"count": 99, "even": 4}, "document: count and even must sum to at most 100"),
        ({"count": 1, "a\nb\x1b": 1}, "a\\nb\\x1b: must be a known field"),
        ({"count": [1] * 10**6}, "count: must be a whole number; received [1, 1, 1, 1, 1, 1, ...]"),
    ],
)
def test_refusals(fields, line):
    """The first broken rule is told with the field, the rule and what was received, printable and short."""
    with pytest.raises(InputError) as caught:
        validated(Outer, fields)
    assert str(caught.value).startswith(line)
    assert str(caught.value).isprintable()


def test_accepted():
    """A table that keeps the rules becomes the model."""
    assert validated(Outer, {"count": 3, "inner": {"depth": 2}}).inner.depth == 2


HOSTILE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20)
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KNOWN = st.sampled_from(sorted({*Outer.model_fields, *SuiteFile.model_fields}))


@examples(60, whole=200)
@given(st.sampled_from([Outer, SuiteFile]), st.dictionaries(KNOWN | st.text(max_size=5), HOSTILE))
def test_any_table_at_all(kind, fields):
    """Whatever a table holds, it becomes the model or one printable line."""
    lines = []
    try:
        assert isinstance(validated(kind, fields), kind)
    except InputError as error:
        lines.append(str(error))
    assert all(line.isprintable() and len(line) < 2500 for line in lines)


@examples(60, whole=200)
@given(st.binary(max_size=60) | st.text("=[]{}.\"'\n#abc019-T:", max_size=60).map(str.encode))
def test_any_file_at_all(tmp_path_factory, data):
    """Whatever a TOML file holds, it becomes the model or one printable line that begins with its path."""
    path = tmp_path_factory.mktemp("toml") / "a.toml"
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:  # no such text has the field that must be present
        read_toml(path, Outer)
    assert str(caught.value).startswith(f"{path}: ")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("unit", [b"[[a]]\n", b"a.b.c.", b"{a=", b'"', b"'''", b"[", b"\n", b"1979-05-27,"])
def test_repetitive_files_end_soon(tmp_path, unit):
    """Files that repeat one token a hundred thousand times are refused like others."""
    path = tmp_path / "a.toml"
    path.write_bytes(b"x = [" * (unit == b"1979-05-27,") + unit * 20_000)
    with pytest.raises(DocumentError):
        read_toml(path, Outer)


def test_size_is_capped(tmp_path):
    """A file over the cap is not parsed."""
    path = tmp_path / "a.toml"
    path.write_bytes(b"count = 1\n" + b"#" * MAX_TOML_BYTES)
    with pytest.raises(DocumentError, match="file: must hold at most"):
        read_toml(path, Outer)


MEASURED = """
import sys
from mincache.errors import InputError
from mincache.files.tables import read_toml
from mincache.generation.suites import SuiteFile
try:
    read_toml(sys.argv[1], SuiteFile)
except InputError:
    # Not ru_maxrss: a child's begins at the size of the process that started it.
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""
WORST = {
    "tables": "[[instance]]\n" * 85_000,
    "keys": "".join(f"k{i}=1\n" for i in range(179_000)),
    "more keys than may be": "".join(f"k{i}=1\n" for i in range(350_000)),
    "list": "name=[" + "1," * 178_000 + "]",
    "headers": "".join(f"[k{i}.a.b]\n" for i in range(15_000)),
    "long headers": "\n".join("[" + f"k{i}." + ".".join("a" * 990) + "]" for i in range(30)),
    "long keys": "\n".join(f"k{i}." + ".".join("a" * 990) + "=1" for i in range(30)),
    "deep": "[" + ".".join("a" * 990) + "]\n" + "".join(f"k{i}=1\n" for i in range(1000)),
    "inline": "\n".join(f"k{i}=" + "{a=" * 200 + "1" + "}" * 200 for i in range(440)),
    "lines": "\n" * 299_000,
    "digits": "seed=0." + "1" * 4_000_000,
    "escapes": 'name="' + "\\n" * 1_900_000 + '"',
}


@on_linux
@pytest.mark.parametrize("kind", WORST)
def test_no_file_takes_much_memory(tmp_path, kind):
    """The worst that the caps let through is refused within 500 MB; `make benchmark` tells its seconds."""
    path = tmp_path / "suite.toml"
    path.write_text(WORST[kind])
    command = [sys.executable, "-c", MEASURED, str(path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(out) < 500_000  # kB
