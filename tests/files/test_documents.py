"""Reading trusts nothing, writing is canonical, and the schema says what reading accepts."""

import gzip
import json
import os
import stat
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory

import jsonschema
import pytest
from bench_fixture import on_linux
from conftest import GOLDEN
from hypothesis import given
from hypothesis import strategies as st
from strategies import RAW, decisions, examples, instances, mutated, rules, to_text

from mincache import (
    Instance,
    Solution,
    evaluate,
    read_instance,
    read_solution,
    write_instance,
    write_solution,
)
from mincache.errors import DocumentError, InputError
from mincache.files.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_TEXT_BYTES,
    MAX_VALUES,
    digest,
    instance_bytes,
    json_schema,
    parse_instance,
    parse_json,
    parse_solution,
    read_bytes,
    solution_bytes,
    write_bytes,
)
from mincache.generation.suites import find

INSTANCE = json.loads((GOLDEN / "score" / "case-1-plain" / "instance.json").read_text())
SOLUTION = json.loads((GOLDEN / "score" / "case-1-plain" / "solution.json").read_text())
PARSERS = {"instance": (parse_instance, INSTANCE), "solution": (parse_solution, SOLUTION)}
GOLDEN_FILES = sorted(GOLDEN.glob("*/*/instance.json")) + sorted(GOLDEN.glob("*/*/solution.json"))


def refusal(parse, data):
    """Return the one line that refuses `data`."""
    with pytest.raises(InputError) as caught:
        parse(data if isinstance(data, bytes) else to_text(data).encode())
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 2500
    assert caught.value.field
    assert caught.value.rule
    return line


def edited(document, place, value):
    """Return `document` with the value at a place such as `trace.skewness.0` replaced."""
    twin = json.loads(json.dumps(document))
    *path, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    inner = twin
    for step in path:
        inner = inner[step]
    inner[last] = value
    return twin


# Round trip


@given(instances())
def test_instance_round_trip(instance):
    """Writing and reading gives the instance again, and writing that gives the same bytes."""
    data = instance_bytes(instance)
    assert parse_instance(data) == instance
    assert instance_bytes(parse_instance(data)) == data


@given(st.data())
def test_solution_round_trip(data):
    """Writing and reading gives the solution again, to the last bit of every share."""
    instance = data.draw(instances())
    solution = Solution.of(instance, data.draw(decisions(instance)))
    assert parse_solution(solution_bytes(solution)) == solution


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(rules)
def test_rules_round_trip(drawn):
    """A document holds the rules that differ from their defaults, and they come back."""
    instance = replace(parse_instance(to_text(INSTANCE).encode()), rules=drawn)
    written = instance_bytes(instance)
    assert parse_instance(written) == instance
    assert set(json.loads(written).get("rules", {})) == set(drawn.used)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"frame_slots": 0}, "rules.frame_slots: must be >= 1; received 0.0"),
        ({"frame_slots": 1.5}, "rules.frame_slots: must be a whole number; received 1.5"),
        ({"loading_s_per_gb": -1}, "rules.loading_s_per_gb: must be >= 0; received -1.0"),
        ({"steps_floor": 1.1}, "rules.steps_floor: must be <= 1; received 1.1"),
        ({"steps_flor": 1}, "rules.steps_flor: must be a known key; received an unknown one"),
        (None, "rules: must be an object; received None"),
    ],
)
def test_rules_are_checked(section, message):
    """A rule out of range, or one that nobody knows, is refused in a line."""
    with pytest.raises(InputError) as refusal:
        parse_instance(to_text(INSTANCE | {"rules": section}).encode())
    assert str(refusal.value).startswith(message)


@given(origin=st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_any_origin_round_trips(origin):
    """The origin may hold any JSON object, and comes back as it was."""
    instance = replace(parse_instance(to_text(INSTANCE).encode()), origin=origin)
    assert dict(parse_instance(instance_bytes(instance)).origin) == origin


def test_bytes_are_canonical():
    """Spacing, the order of keys and how a number is written do not reach the canonical bytes."""
    shuffled = json.dumps(dict(reversed(INSTANCE.items())), indent=3).replace("20000000.0", "2e7")
    one, two = parse_instance(to_text(INSTANCE).encode()), parse_instance(shuffled.encode())
    assert instance_bytes(one) == instance_bytes(two)
    assert instance_bytes(one).endswith(b"}\n")
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_files_round_trip(tmp_path, instance, solution, name):
    """Plain and packed files hold the same, packed ones are the same bytes every time, and no part stays."""
    write_instance(instance, tmp_path / name)
    assert read_instance(tmp_path / name) == instance
    once = (tmp_path / name).read_bytes()
    assert not name.endswith(".gz") or once[4:8] == bytes(4)  # gzip's field for the time of writing
    write_instance(instance, str(tmp_path / name))
    assert (tmp_path / name).read_bytes() == once
    write_solution(solution, tmp_path / name)
    assert read_solution(tmp_path / name) == solution
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_golden_documents_are_read_and_fit_the_schema(path):
    """Every golden document is accepted, both by reading and by the printed schema."""
    kind = path.stem
    parse, _ = PARSERS[kind]
    parse(path.read_bytes())
    validator(kind).validate(json.loads(path.read_text()))


# Refusals of content


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        (
            "format",
            "mincache-instance/2",
            "format: must be 'mincache-instance/1'; received 'mincache-instance/2'",
        ),
        (
            "format",
            "mincache-solution/1",
            "format: must be 'mincache-instance/1'; received 'mincache-solution/1'",
        ),
        ("format", None, "format: must be 'mincache-instance/1'; received None"),
        ("format", ["mincache-instance/1"], "format: must be"),
        ("name", "Case", "name: use lower-case letters, digits"),
        ("name", "..", "name: use lower-case letters, digits"),
        ("name", "../../etc/passwd", "name: use lower-case letters, digits"),
        ("name", "a\n", "name: use lower-case letters, digits"),
        ("name", 7, "name: use lower-case letters, digits"),
        ("name", {}, "name: use lower-case letters, digits"),
        ("preference_weight", 1.5, "preference_weight: must be <= 1; received 1.5"),
        ("preference_weight", "0.7", "preference_weight: must be a number; received '0.7'"),
        ("preference_weight", True, "preference_weight: must be a number; received True"),
        ("preference_weight", None, "preference_weight: must be a number; received null"),
        ("preference_weight", [0.7], "preference_weight: must be a number; received an array"),
        ("server", [], "server: must be an object; received []"),
        ("server", None, "server: must be an object; received None"),
        ("server.steps", {}, "server.steps: must be a number; received an object"),
        ("server.steps", 0, "server.steps: must be > 0; received 0.0"),
        (
            "server.storage_gb",
            RAW + "1e400",
            "document: must hold finite numbers only; received one too large for a float",
        ),
        ("server.storage_gb", RAW + "NaN", "document: must hold finite numbers only; received NaN"),
        (
            "server.storage_gb",
            RAW + "-Infinity",
            "document: must hold finite numbers only; received -Infinity",
        ),
        ("server.storage_gb", 10**400, "server.storage_gb: must hold finite numbers only"),
        ("server.storage_gb", RAW + "9" * 5000, "document: must hold finite numbers only"),
        ("server.extra", 1, "server.extra: must be a known key; received an unknown one"),
        ("server", RAW + '{"steps":1,"steps":1,"storage_gb":1}', "'steps': must appear once in its object"),
        ("radio.user_power_w", [], "radio.user_power_w: must not be empty"),
        ("radio.user_power_w", 0.2, "radio.user_power_w: must be an array [N] of numbers; received 0.2"),
        ("radio.user_power_w.0", 0, "radio.user_power_w[0]: must be > 0; received 0.0"),
        ("models.steps_onset.2", 1e6, "models.steps_onset[2]: must be < steps_saturation"),
        ("models.size_gb", [1.0], "models.output_bits: must have shape [M] = [1]; received [10]"),
        (
            "trace.channel_gain",
            [[1e-9], [1e-9, 1e-9]],
            "trace.channel_gain: must be an array [T][N] of numbers",
        ),
        ("trace.channel_gain.1.0", [1e-9], "received an array"),
        ("trace.channel_gain.1.0", "1e-9", "received '1e-9'"),
        ("trace.requested_model.0.0", 10, "trace.requested_model[0][0]: must be < M = 10; received 10"),
        ("trace.requested_model.0.0", -1, "trace.requested_model[0][0]: must be >= 0; received -1.0"),
        (
            "trace.requested_model.0.0",
            1.5,
            "trace.requested_model[0][0]: must be a whole number; received 1.5",
        ),
        ("trace.requested_model.0.0", 1e300, "trace.requested_model[0][0]: must be <="),
        ("trace.requested_model.0.0", 2**64, "trace.requested_model[0][0]: must be <="),
        ("trace.skewness", [0.5], "must have shape"),
        ("origin", "me", "origin: must be an object; received 'me'"),
        ("origin", None, "origin: must be an object; received None"),
        ("\n\x1b[31m", 1, "must be a known key"),
        ("é" * 100, 1, "must be a known key"),
        ("comment", 1, "comment: must be a known key; received an unknown one"),
    ],
)
def test_instance_refused(place, value, line):
    """A broken rule is refused with the field, the rule and what was received."""
    assert line in refusal(parse_instance, edited(INSTANCE, place, value))


@pytest.mark.parametrize(
    ("place", "value", "line"),
    [
        ("format", "mincache-instance/1", "format: must be 'mincache-solution/1'"),
        ("instance", "../x", "instance: use lower-case letters"),
        ("instance", None, "instance: use lower-case letters"),
        ("cache.0.0", 2, "cache[0][0]: must be <= 1; received 2.0"),
        ("cache.0.0", 0.5, "cache[0][0]: must be a whole number; received 0.5"),
        ("cache.0.0", True, "cache: must be an array [T][M] of numbers; received True"),
        ("cache", [], "cache: must not be empty"),
        ("cache.1", [1], "cache: must be an array [T][M] of numbers; received rows of different lengths"),
        ("cache", [[1]], "bandwidth_share: must have shape"),
        ("bandwidth_share.0.0", None, "bandwidth_share: must be an array [T][N] of numbers; received null"),
        ("step_share.0.0", RAW + "Infinity", "document: must hold finite numbers only; received Infinity"),
        ("step_share.0.0", "0.1", "step_share: must be an array [T][N] of numbers; received '0.1'"),
        ("cost", 1.0, "cost: must be a known key; received an unknown one"),
    ],
)
def test_solution_refused(place, value, line):
    """A solution that breaks a rule of the format is refused; what it would score is not asked."""
    assert line in refusal(parse_solution, edited(SOLUTION, place, value))


@pytest.mark.parametrize("kind", PARSERS)
def test_every_key_must_be_present(kind):
    """Each missing key is named; the origin and the rules alone may be left out."""
    parse, document = PARSERS[kind]
    for place in [(key,) for key in document] + [
        (k, i) for k, v in document.items() if isinstance(v, dict) for i in v
    ]:
        twin = json.loads(json.dumps(document))
        inner = twin if len(place) == 1 else twin[place[0]]
        del inner[place[-1]]
        line = refusal(parse, twin)
        assert ".".join(place) in line
        assert "must be" in line


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "document: must be JSON"),
        (b" \n", "document: must be JSON"),
        (b"null", "document: must be an object; received NoneType"),
        (b"[]", "document: must be an object; received list"),
        (b'"text"', "document: must be an object; received str"),
        (b"{} {}", "document: must be JSON; received Extra data at line 1 column 4"),
        (b'{"a":1,}', "document: must be JSON"),
        (b"{'a':1}", "document: must be JSON"),
        (b'{"a":"\n"}', "document: must be JSON; received Invalid control character"),
        (b"\xff\xfe{\x00}\x00", "document: must be UTF-8; received byte 0 is not"),
        (b"{\xef\xbb\xbf}", "document: must be JSON"),
        (b'{"a":"\xed\xa0\x80"}', "document: must be UTF-8"),
        (b"\x1f\x8b\x08\x00", "document: must be UTF-8"),
        (b"{}\x00", "document: must be JSON"),
        (b'{"a":' + b"[" * 100_000, "document: must nest at most 32 deep"),
        (b'{"a":' * 100_000, "document: must nest at most 32 deep"),
        (b"[" * 999_999, "document: must nest at most 32 deep"),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "document: must nest at most 32 deep"),
        (b'{"a":{"b":1,"c":2,"b":3}}', "'b': must appear once in its object; received twice"),
        (b'{"a":[{"\\u0062":1,"b":3}]}', "'b': must appear once in its object; received twice"),
        (b'{"\\ud800":1,"\\ud800":3}', "must appear once"),
        (b'{"\\n":1,"\\n":3}', "must appear once"),
        (b'{"a":NaN}', "document: must hold finite numbers only; received NaN"),
        (b'{"a":[-1e999]}', "document: must hold finite numbers only; received one too large for a float"),
        (b'{"a":' + b"1" * 5000 + b"}", "document: must hold finite numbers only"),
        (b'{"a":' + b"1" * 5000 + b".0}", "document: must hold finite numbers only"),
        (b'{"a":-' + b"1" * 1_000_000 + b"}", "document: must hold finite numbers only"),
    ],
    ids=range(27),
)
def test_json_refused(data, line):
    """Broken, ambiguous, over-nested and non-finite JSON is refused in one line."""
    assert line in refusal(parse_json, data)


def test_depth_is_counted_exactly():
    """MAX_DEPTH levels are read, one more is not; objects and arrays count alike."""

    def nested(depth):
        return {"a": json.loads("[" * (depth - 1) + "]" * (depth - 1))} if depth > 1 else {"a": 1}

    parse_json(json.dumps(nested(MAX_DEPTH + 1)).encode())
    assert "must nest at most" in refusal(parse_json, nested(MAX_DEPTH + 2))


# Hostile size


def traced_peak(work):
    """Return the peak of memory allocated by Python and numpy while `work` is refused, in bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            work()
        return tracemalloc.get_traced_memory()[1], str(caught.value)
    finally:
        tracemalloc.stop()


def test_gzip_bomb_is_refused_in_bounded_memory(tmp_path):
    """A megabyte that unpacks to a gigabyte is refused without ever holding much more than the cap."""
    bomb = tmp_path / "bomb.json.gz"
    bomb.write_bytes(gzip.compress(bytes(16 * MAX_BYTES)))
    assert bomb.stat().st_size < 2**21
    peak, line = traced_peak(lambda: read_instance(bomb))
    assert "file: must hold at most" in line
    assert peak < 2.5 * MAX_BYTES


def test_a_second_gzip_member_is_refused(tmp_path):
    """One member alone is read: a million empty ones would take seconds."""
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(b"{}") + gzip.compress(b"") * 1_000_000)
    with pytest.raises(DocumentError, match="file: must hold one gzip member"):
        read_instance(path)


def test_packed_size_is_capped(tmp_path):
    """The packed size is capped as the unpacked one is."""
    path = tmp_path / "a.json.gz"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # sparse, so that it takes no room
    with pytest.raises(DocumentError, match="file: must hold at most"):
        read_instance(path)


@pytest.mark.parametrize("name", ["a.json", "a.toml"])
def test_plain_file_over_the_cap_is_refused_unread(tmp_path, name):
    """A plain file over the cap is refused by its size, before a byte of it is read."""
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(2**40)
    peak, line = traced_peak(lambda: read_bytes(path))
    assert "file: must hold at most" in line
    assert peak < 2**20


def test_bytes_over_the_cap_are_refused():
    """Bytes that come from elsewhere are capped as files are."""
    assert "must hold at most" in refusal(parse_instance, bytes(MAX_BYTES + 1))


@pytest.mark.parametrize("unit", [b"0,", b"1e1,", b"[],", b"{},", b'"",', b'"":0,'])
def test_too_many_values_are_refused_before_parsing(unit):
    """Millions of tiny values, which take many times their bytes once parsed, are refused by counting."""
    data = b'{"a":[' + unit * (MAX_VALUES + 1) + b"0]}"
    peak, line = traced_peak(lambda: parse_json(data))
    assert f"must hold at most {MAX_VALUES} values" in line
    assert peak < 2**20


def test_a_double_key_among_many_is_found_in_linear_time():
    """A key doubled among hundreds of thousands is found without comparing each with each."""
    keys = [b'"%d":0' % k for k in range(200_000)]
    assert "'199999': must appear once" in refusal(parse_json, b"{" + b",".join([*keys, keys[-1]]) + b"}")


def test_instance_of_the_largest_kind_is_read():
    """The caps leave room for a trace of 200,000 requests."""
    T, N = 2000, 100
    document = edited(INSTANCE, "radio.user_power_w", [0.2] * N)
    document["trace"] = {
        "skewness": [0.5] * T,
        "channel_gain": [[1.23456e-10] * N] * T,
        "requested_model": [[3] * N] * T,
        "input_bits": [[51234500.0] * N] * T,
    }
    assert parse_instance(json.dumps(document).encode()).slot_count == T


# Hostile files


def test_what_is_no_file_is_refused(tmp_path):
    """Missing files, folders, pipes, devices and impossible names are refused; no pipe is waited on."""
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    (tmp_path / "dangling.json").symlink_to(tmp_path / "nothing")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    names = [
        "missing.json",
        "pipe.json",
        "folder.json",
        "loop.json",
        "dangling.json",
        "zero.json",
        "",
        ".",
        "..",
        "x" * 5000,
        "folder.json/x.json",
        "a\0b",
        "\ud800.json",
        "a\nb.json",
        "\x1b[31m.json",
    ]
    for name in names:
        for read in (read_instance, read_solution):
            with pytest.raises(DocumentError) as caught:
                read(os.path.join(tmp_path, name))
            assert str(caught.value).isprintable()
            assert ": file: must " in str(caught.value)


@contextmanager
def no_root():
    """Do without root's right to read every file."""
    user = os.geteuid()
    os.seteuid(user or 65534)  # nobody
    try:
        yield
    finally:
        os.seteuid(user)


def test_unreadable_file_is_refused(instance):
    """A file without permission to read is refused."""
    with TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "a.json")
        write_instance(instance, path)
        os.chmod(path, stat.S_IWUSR)
        with no_root(), pytest.raises(DocumentError, match="file: must be readable"):
            read_instance(path)


def test_what_is_no_file_is_written_to_as_it_is(tmp_path, instance):
    """A pipe gets the bytes and stays a pipe, and a link stays one to the file that is written."""
    pipe, file, link = tmp_path / "pipe", tmp_path / "a.json", tmp_path / "link.json"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_bytes(pipe, b"one two")
    assert os.read(reader, 100) == b"one two"
    os.close(reader)
    assert pipe.is_fifo()
    link.symlink_to(file)
    write_instance(instance, link)
    assert link.is_symlink()
    assert file.read_bytes() == instance_bytes(instance)


def packed(data):
    """Return `data` as gzip."""
    return gzip.compress(data, mtime=0)


def test_broken_gzip_is_refused(tmp_path, instance):
    """Gzip that is cut anywhere, flipped, of another kind, or followed by rubbish is refused in one line."""
    whole = packed(instance_bytes(instance))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x55
    cuts = [whole[:size] for size in (1, 2, 9, 10, 11, 100, len(whole) - 8, len(whole) - 1)]
    plain = [instance_bytes(instance), zlib.compress(b"{}"), b"BZh9", b"PK\x03\x04", b"", bytes(flipped)]
    path = tmp_path / "a.json.gz"
    for data in [*cuts, *plain, whole + b"rubbish", whole + whole]:
        path.write_bytes(data)
        with pytest.raises(DocumentError) as caught:
            read_instance(path)
        assert str(caught.value).isprintable()
        assert str(path) in str(caught.value)


def test_a_packed_file_under_a_plain_name_is_refused(tmp_path, instance):
    """The name decides whether a file is packed."""
    (tmp_path / "a.json").write_bytes(packed(instance_bytes(instance)))
    with pytest.raises(DocumentError, match="document: must be UTF-8"):
        read_instance(tmp_path / "a.json")


def test_message_begins_with_the_path(tmp_path):
    """A refused file is named before its field."""
    path = tmp_path / "bad.json"
    path.write_text(to_text(edited(INSTANCE, "server.steps", 0)))
    with pytest.raises(DocumentError) as caught:
        read_instance(path)
    assert str(caught.value) == f"{path}: server.steps: must be > 0; received 0.0"


@pytest.mark.parametrize(
    "name", ["missing/a.json", "taken", "x" * 300 + ".json", "file/a.json", "a\0.json", "", "..", "/"]
)
def test_what_cannot_be_written_is_refused(tmp_path, instance, name):
    """Writing where no file can be is one line, and leaves nothing behind."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(DocumentError, match="file: must be writable") as caught:
        write_instance(instance, tmp_path / name)
    assert str(caught.value).isprintable()
    assert sorted(os.listdir(tmp_path)) == ["file", "taken"]


def test_writing_replaces_in_one_step(tmp_path):
    """A reader that has the old file open keeps it whole, and a link is replaced, not written through."""
    path = tmp_path / "a.json"
    write_bytes(path, b"old")
    with path.open("rb") as reader:
        write_bytes(path, b"new content")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new content"


# Fuzz


def thing_or_line(parse, data):
    """Return what was read and None, or None and the line that refuses it."""
    try:
        return parse(data), None
    except InputError as error:
        return None, str(error)


@pytest.mark.parametrize("kind", PARSERS)
@examples(80, whole=250)
@given(data=st.data())
def test_mutated_documents_are_refused_in_one_line_or_read(kind, data):
    """Whatever stands in a document, it is refused in one printable line, or it is usable."""
    parse, document = PARSERS[kind]
    text = data.draw(mutated(document))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thing, line = thing_or_line(parse, text)
        assert line is None or line.isprintable()
        if isinstance(thing, Instance):
            evaluate(thing, Solution.nothing_cached(thing))
            assert parse(instance_bytes(thing)) == thing
        elif thing is not None:
            assert parse(solution_bytes(thing)) == thing


@pytest.mark.parametrize("kind", PARSERS)
@examples(60, whole=200)
@given(data=st.data())
def test_damaged_bytes_are_refused_in_one_line_or_read(kind, data):
    """Cutting a document, and changing, dropping or adding bytes anywhere, ends in one line or a document."""
    parse, document = PARSERS[kind]
    text = bytearray(json.dumps(document).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        width = data.draw(st.sampled_from([0, 1, 2, 10]))
        text[start : start + width] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"[", b"{", b'"', b"NaN", b"1e9"])
        )
    cut = bytes(text[: data.draw(st.integers(0, len(text)) | st.just(len(text)))])
    _, line = thing_or_line(parse, cut)
    assert line is None or line.isprintable()


@given(st.binary(max_size=200))
def test_any_bytes_at_all(data):
    """Random bytes, packed or not, are refused in one line."""
    with pytest.raises(InputError) as caught:
        parse_instance(data)
    assert str(caught.value).isprintable()


def test_nothing_read_is_executed(tmp_path):
    """A pickle, a Python file and a YAML tag are no documents."""
    for data in (
        b"cos\nsystem\n(S'touch pwned'\ntR.",
        b"import os",
        b"!!python/object/apply:os.system ['touch pwned']",
    ):
        refusal(parse_instance, data)


# Schema


def validator(kind):
    """Return a validator of the printed schema of this kind."""
    return jsonschema.Draft202012Validator(json_schema(kind))


@pytest.mark.parametrize("kind", PARSERS)
def test_schema_is_valid(kind):
    """The printed schema is JSON, and valid draft 2020-12."""
    schema = json.loads(json.dumps(json_schema(kind), allow_nan=False))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_schema_of_anything_else_is_refused():
    """There are two kinds of document."""
    with pytest.raises(InputError, match="must be 'instance' or 'solution'"):
        json_schema("scenario")


@pytest.mark.parametrize("kind", PARSERS)
@examples(60, whole=200)
@given(data=st.data())
def test_what_is_read_fits_the_schema(kind, data):
    """No mutated document is accepted by reading and refused by the schema."""
    parse, document = PARSERS[kind]
    text = data.draw(mutated(document))
    thing, _ = thing_or_line(parse, text)
    if thing is not None:
        validator(kind).validate(json.loads(text))


@pytest.mark.parametrize(
    ("kind", "place", "value"),
    [
        ("instance", "format", "mincache-instance/2"),
        ("instance", "name", "A"),
        ("instance", "name", ".."),
        ("instance", "name", "x" * 121),
        ("instance", "name", "a\n"),
        ("instance", "extra", 1),
        ("instance", "server", None),
        ("instance", "origin", 1),
        ("instance", "origin", None),
        ("instance", "preference_weight", 2),
        ("instance", "server.steps", 0),
        ("instance", "server.extra", 0),
        ("instance", "models.tv_best.0", -1),
        ("instance", "trace.skewness", []),
        ("instance", "trace.channel_gain", [1]),
        ("instance", "trace.requested_model.0.0", 0.5),
        ("instance", "trace.requested_model.0.0", -1),
        ("instance", "trace.input_bits.0.0", "1"),
        ("instance", "radio.user_power_w.0", None),
        ("solution", "cache.0.0", 2),
        ("solution", "cache.0.0", True),
        ("solution", "bandwidth_share.0", 1),
        ("solution", "instance", 3),
        ("solution", "format", "mincache-instance/1"),
        ("solution", "step_share", None),
    ],
)
def test_schema_refuses_what_reading_refuses(kind, place, value):
    """Types, ranges, names and unknown keys are in the schema too."""
    parse, document = PARSERS[kind]
    twin = edited(document, place, value)
    refusal(parse, twin)
    assert not validator(kind).is_valid(twin)


def test_schema_names_symbol_unit_and_shape():
    """Readers of the schema find what each number means."""
    gain = json_schema("instance")["properties"]["trace"]["properties"]["channel_gain"]
    assert (gain["symbol"], gain["unit"], gain["shape"]) == ("h_n", "1", "[T][N]")


MEASURED = """
import sys
from pathlib import Path
from mincache.errors import InputError
from mincache.files.documents import parse_json
try:
    parse_json(Path(sys.argv[1]).read_bytes())
except InputError:
    pass
# Not ru_maxrss: a child's begins at the size of the process that started it.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""
WORST = {
    "numbers": lambda: '{"a":[' + ",".join(["1.5"] * 3_999_000) + "]}",
    "empty arrays": lambda: '{"a":[' + ",".join(["[]"] * 999_000) + "]}",
    "empty objects": lambda: '{"a":[' + ",".join(["{}"] * 999_000) + "]}",
    "small objects": lambda: '{"a":[' + ",".join(['{"a":1.5}'] * 249_000) + "]}",
    "keys": lambda: "{" + ",".join(f'"{i}":0' for i in range(249_000)) + "}",
    "a wide string": lambda: '{"a":"' + "x" * (MAX_TEXT_BYTES - 20) + '\U0001f600"}',
    "a wide document": lambda: '{"a":"' + "x" * (MAX_BYTES - 20) + '\U0001f600"}',
    "escapes": lambda: '{"a":"' + "\\n" * (MAX_BYTES // 2 - 10) + '"}',
    "digits": lambda: '{"a":[' + ",".join(["0." + "1" * 4_300] * (MAX_BYTES // 4_400)) + "]}",
}
"""The worst that the caps let through, or refuse late, kind by kind."""


@on_linux
@pytest.mark.parametrize("kind", WORST)
def test_no_document_takes_much_memory(tmp_path, kind):
    """Whatever JSON within the caps is read within 500 MB; `make benchmark` tells its seconds."""
    path = tmp_path / "a.json"
    path.write_text(WORST[kind]())
    out = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert int(out) < 500_000  # kB


def test_published_documents_keep_the_schemas():
    """Each instance of smoke-v1, and an answer to it, is valid by its schema."""
    for instance in find("smoke-v1"):
        jsonschema.validate(json.loads(instance_bytes(instance)), json_schema("instance"))
        answer = solution_bytes(Solution.nothing_cached(instance))
        jsonschema.validate(json.loads(answer), json_schema("solution"))


def test_there_are_two_kinds():
    """Another kind of document has no schema."""
    with pytest.raises(InputError, match="must be 'instance' or 'solution'"):
        json_schema("suite")
