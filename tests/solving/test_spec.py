"""How a solver is written: whatever its parameters are, the text that spells it makes the same solver."""

import math
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincache import Solution, Solver
from mincache.errors import InputError
from mincache.solving import registry
from mincache.solving.spec import Spec, WrittenValue, expand, parse, parse_parameters, read, spell, written


class Colour(Enum):
    """Members whose values are no text."""

    RED = 1
    GREEN = (2, 3)


class Mood(StrEnum):
    """Members whose values are text, some of it hard to write."""

    CALM = "calm"
    ODD = 'a"b, c'
    NONE = "none"


class Level(IntEnum):
    """Members that are numbers."""

    LOW = 1
    HIGH = 2


@dataclass(frozen=True)
class Everything(Solver):
    """Cache nothing, with a parameter of every type."""

    text: str = "x"
    whole: int = 0
    number: float = 0.0
    flag: bool = False
    place: Path = Path("a")
    text_or_none: str | None = None
    whole_or_none: int | None = None
    number_or_none: float | None = None
    flag_or_none: bool | None = None
    place_or_none: Path | None = None
    whole_or_text: int | str = 0
    flag_or_text: bool | str = False
    colour: Colour = Colour.RED
    mood: Mood = Mood.CALM
    level: Level | None = None
    mode: Literal["fast", "none", "a,b", 1, True, None] = "fast"

    def solve(self, instance, run):
        """Return the empty answer."""
        return Solution.nothing_cached(instance)


ODD_TEXT = st.text(st.sampled_from("a\"',[]= \n\\\u00e9\u2028"), max_size=8)
TEXT = (
    st.sampled_from(["none", "None", "true", "False", "5", "-0.0", "inf", "", " ", '""', "a]b", "x=y"])
    | ODD_TEXT
    | st.text(max_size=20)
)
PATHS = TEXT.filter(lambda text: "\0" not in text).map(Path)
VALUES = {
    str: TEXT,
    int: st.integers() | st.sampled_from([2**63, -(2**63)]),
    float: st.floats(allow_nan=False) | st.sampled_from([math.inf, -math.inf, -0.0, 1e308, 5e-324]),
    bool: st.booleans(),
    Path: PATHS,
    type(None): st.none(),
    **{kind: st.sampled_from(kind) for kind in (Colour, Mood, Level)},
}


def values_of(hint):
    """Return a strategy for the values of a parameter."""
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    return st.one_of([VALUES[kind] for kind in get_args(hint) or (hint,)])


HINTS = registry.hints(Everything)


@given(st.fixed_dictionaries({}, optional={name: values_of(hint) for name, hint in HINTS.items()}))
def test_what_is_spelled_is_read_back(values):
    """Any value of any type comes back as it was, sign of zero and type included."""
    text = registry.spell("mine", Everything, values)
    spec = parse(text)
    found = {name: read(value, HINTS[name], name) for name, value in spec.parameters.items()}
    assert spec.target == "mine"
    assert repr(Everything(**found)) == repr(Everything(**values))
    assert str(spec) == text


@given(st.dictionaries(st.from_regex("[a-z_]+", fullmatch=True), TEXT, max_size=4))
def test_any_text_is_spelled_without_knowing_types(values):
    """Where no type is known, all are text, and come back as it."""
    read_back = {
        name: read(value, str, name) for name, value in parse(spell("x.py:A", values)).parameters.items()
    }
    assert read_back == values


@pytest.mark.parametrize("name", registry.names())
def test_every_installed_solver_is_spelled(name):
    """All parameters of each installed solver, written out, make the same solver."""
    given = {"command": "sh -c \"cp 'a b' {instance} {solution}\""} if name == "external" else {}
    kind = registry.load(name)
    solver = registry.make(registry.spell(name, kind, given))
    again = registry.make(registry.spell(name, kind, registry.parameters(solver)))
    assert type(again) is kind
    assert registry.parameters(again) == registry.parameters(solver)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a b", "a b"),
        ("a=b]", "a=b]"),
        ("true", "true"),
        ("C:\\new", "C:\\new"),
        ('say "x"', 'say "x"'),
        ("a,b", '"a,b"'),
        ("it's", '"it\'s"'),
        (" x", '" x"'),
        ("None", '"None"'),
        ('a"b', '"a""b"'),
        ('"x"', '""x""'),
        ('a","b', '"a"",""b"'),
        (None, "none"),
        (True, "true"),
        (-0.0, "-0.0"),
        (1e-5, "1e-05"),
        (math.inf, "inf"),
        (Path("a,b/c"), '"a,b/c"'),
        (Colour.GREEN, "GREEN"),
        (Mood.NONE, '"none"'),
    ],
)
def test_quotes_stand_only_where_they_must(value, text):
    """A value is spelled plainly where that means itself; a double quote within quotes is doubled."""
    assert str(written(value)) == text


def test_text_is_quoted_that_would_be_read_as_another_type():
    """A parameter that takes numbers and text keeps the two apart."""
    assert registry.spell("a", Everything, {"whole_or_text": "5"}) == 'a[whole_or_text="5"]'
    assert registry.spell("a", Everything, {"whole_or_text": 5}) == "a[whole_or_text=5]"
    assert registry.spell("a", Everything, {"text": "5"}) == "a[text=5]"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("'a\"\"b'", 'a""b'),
        ('"a\\"', "a\\"),
        ('"it\'s"', "it's"),
        ('"a"b"c"', 'a"b"c'),
        ("'\"'", '"'),
        ('a"b,c"', 'a"b,c"'),
        ('""', ""),
        ('""""', '"'),
    ],
)
def test_quoted_text(text, value):
    """Single quotes keep everything; in double quotes two of them are one; others within mean themselves."""
    assert read(parse(f"a[x={text}]").parameters["x"], str, "x") == value


def test_a_spec_in_parts():
    """The target and the values as written are found, spaces around them dropped."""
    spec = parse(" a.py:B [ x = 1 ,, y='2' ] ")
    assert spec == Spec("a.py:B", {"x": WrittenValue("1"), "y": WrittenValue("2", quoted=True)})
    assert str(spec) == 'a.py:B[x=1,y="2"]'
    assert str(parse("a[]")) == str(parse("a")) == "a"


@pytest.mark.parametrize("folder", ["d", "d [1]", "[a]/b,=[c]", "x[y=1].py/z"])
def test_a_folder_may_have_brackets(folder):
    """The brackets of a file's folder are no parameters, and those of parameters are."""
    one = parse(f"{folder}/q.py:Quote[file=a.py,text=b[c]]")
    assert one.target == f"{folder}/q.py:Quote"
    assert {name: value.text for name, value in one.parameters.items()} == {"file": "a.py", "text": "b[c]"}
    assert parse(f"{folder}/q.py").target == f"{folder}/q.py"
    assert parse("external[command=a.py[1]]").target == "external"


def test_a_spec_is_extended():
    """Further parameters follow those given, and none is given twice."""
    more = parse_parameters("y='p,q',z=none", "a")
    assert str(parse("a[x=none]").extended(more)) == 'a[x=none,y="p,q",z=none]'
    with pytest.raises(InputError, match=r"solver a\.x: must be given once"):
        parse("a[x=1]").extended({"x": 2})


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must look like"),
        ("a[b", "must look like"),
        ('a[x="]', "must close its quotes"),
        ("a[x='b\"]", "must close its quotes"),
        ("a[x]", "must look like name=value"),
        ("a[x=1,x=1]", "a.x: must be given once"),
        ("a[x=[1,2]]", "received '2]'; a list of values is for: mincache run"),
    ],
)
def test_what_has_another_form_is_refused(text, rule):
    """What is no spec is refused in one line."""
    with pytest.raises(InputError, match=rule):
        parse(text)


@pytest.mark.parametrize(
    ("text", "hint", "rule"),
    [
        ("BLUE", Colour, "must be one of RED, GREEN"),
        ("3", Level | None, "must be one of LOW, HIGH"),
        ("none", Colour, "must be one of RED, GREEN"),
        ("", Path | None, "must be a path"),
        ("x", bool | int, "must be true or false or a whole number"),
    ],
)
def test_a_value_of_another_type_is_refused(text, hint, rule):
    """The choices of an enumeration are listed, and each type of a union."""
    with pytest.raises(InputError, match=rule):
        read(WrittenValue(text), hint, "here")


@given(st.dictionaries(st.from_regex("[a-z_]+", fullmatch=True), TEXT, max_size=4))
def test_a_solver_without_lists_is_no_grid(values):
    """Whatever text the parameters hold, brackets included, one solver stays itself."""
    text = spell("some", values)
    assert expand(text) == [text]


@given(st.lists(TEXT, min_size=1, max_size=3), st.lists(TEXT, min_size=1, max_size=3))
def test_a_grid_is_every_value_with_every_other(first, second):
    """Two lists of any texts stand for all pairs, the second list running fastest."""
    lists = (",".join(str(WrittenValue(one, quoted=True)) for one in values) for values in (first, second))
    text = "some[a=[{}],b=[{}],c=1]".format(*lists)
    found = [{name: value.text for name, value in parse(one).parameters.items()} for one in expand(text)]
    assert found == [{"a": a, "b": b, "c": "1"} for a in first for b in second]


@pytest.mark.parametrize("text", ["some", "some[a=b[1]]", "some[a='[1,2]']", "some[a=[1,2]"])
def test_what_lists_no_values_stays_as_it_is(text):
    """Only a whole value in brackets is a list."""
    assert expand(text) == [text]


def test_an_empty_list_is_refused():
    """A grid over nothing would be no solver at all."""
    with pytest.raises(InputError, match=r"some\.a: must list a value; received \[\]"):
        expand("some[a=[]]")
