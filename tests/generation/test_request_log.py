"""Requests from logs, against a plain interpreter of the same rules."""

import csv
import io
import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mincache.errors import InputError
from mincache.files.tables import validated
from mincache.generation.recipes import Recipe, places
from mincache.generation.scenario import Scenario

FILMS = {"time": "timestamp", "user": "userId", "item": "movieId"}


def films(seed, rows=600, users=12, span_s=1600):
    """Return a log in the shape of film ratings, not sorted by time."""
    draw = random.Random(seed)
    return [
        {"userId": f"u{draw.randrange(users)}", "movieId": str(int(draw.paretovariate(0.8))), "rating": "3.5",
         "timestamp": str(964982703 + draw.randrange(span_s))}
        for _ in range(rows)
    ]  # fmt: skip


def written(path, rows, **options):
    """Write the rows as CSV and return the path."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), **options)
    table.writeheader()
    table.writerows(rows)
    path.write_text(text.getvalue())
    return str(path)


def scenario(file, columns=None, slots=20, users=4, models=6, **fields):
    """Return a scenario whose requests are a log's."""
    section = {"process": "log", "file": file, "columns": columns or FILMS} | fields
    return validated(Scenario, {"slots": slots, "users": users, "models": models, "requests": section})


def interpreted(rows, trace, slots, users, models, others, idle, which, slot_s=20.0):
    """Return the requests [T][N] of one trace by the rules, or how many users there are."""
    ordered = sorted(rows, key=lambda row: float(row["timestamp"]))  # stable
    start = float(ordered[0]["timestamp"])
    counts, seen = {}, []
    for row in ordered:
        counts[row["movieId"]] = counts.get(row["movieId"], 0) + 1
        if row["movieId"] not in seen:
            seen.append(row["movieId"])
    ranking = sorted(seen, key=lambda item: (-counts[item], seen.index(item)))
    first_of_slot, order = {}, []
    for row in ordered:
        model = ranking.index(row["movieId"])
        if model >= models:
            if others == "drop":
                continue
            model = models - 1
        slot = int((float(row["timestamp"]) - start) // slot_s) - trace * slots
        if 0 <= slot < slots:
            user = row["userId"]
            if user not in order:
                order.append(user)
            first_of_slot.setdefault((user, slot), model)
    active = {user: sum(one == user for one, _ in first_of_slot) for user in order}
    if idle == "drop":
        order = [user for user in order if active[user] == slots]
    if len(order) < users:
        return len(order)
    if which == "active":
        best = sorted(order, key=lambda user: -active[user])[:users]
        order = [user for user in order if user in best]
    table = []
    for user in order[:users]:
        mine = [first_of_slot.get((user, slot)) for slot in range(slots)]
        last = next(model for model in mine if model is not None)
        for slot, model in enumerate(mine):
            last = model if model is not None else last
            mine[slot] = last
        table.append(mine)
    return np.array(table).T.tolist()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("which", ["first", "active"])
@pytest.mark.parametrize("others", ["drop", "last"])
@pytest.mark.parametrize("trace", [0, 2])
def test_a_log_is_read_by_the_rules(seed, which, others, trace, tmp_path):
    """Models, users, first requests and repeats are those of a plain interpreter."""
    rows = films(seed)
    drawn = scenario(written(tmp_path / "log.csv", rows), users_from=which, others=others)
    expected = interpreted(rows, trace, 20, 4, 6, others, "repeat", which)
    assert drawn.trace(1, "trace", 0, 4, trace).requested_model.tolist() == expected


@pytest.mark.parametrize("column", ["time", "item"])
def test_a_log_has_times_and_items(column, tmp_path):
    """Only the columns that a log may lack can have an empty name."""
    with pytest.raises(InputError, match=f"requests.columns.{column}: must not be empty"):
        scenario(written(tmp_path / "log.csv", films(1)), FILMS | {column: ""})


def test_users_with_idle_slots_can_be_left_out(tmp_path):
    """With `drop`, users ask in every slot; if there are too few, the refusal tells how many."""
    rows = films(3, rows=4000, users=8, span_s=400)
    file = written(tmp_path / "log.csv", rows)
    drawn = scenario(file, users=2, slots=10, idle="drop")
    expected = interpreted(rows, 0, 10, 2, 6, "drop", "drop", "first")
    assert drawn.trace(1, "trace", 0, 2, 0).requested_model.tolist() == expected
    few = interpreted(rows, 0, 10, 99, 6, "drop", "drop", "first")
    with pytest.raises(InputError, match=f"users: must be at most {few}, the users without an idle slot"):
        scenario(file, users=99, slots=10, idle="drop").trace(1, "trace", 0, 99, 0)


def test_a_trace_with_too_few_users_is_refused_before_any_is_drawn(tmp_path):
    """If only the last trace lacks users, nothing is drawn of the others."""
    rows = [{"userId": str(k % 2), "movieId": "m", "timestamp": str(20 * (k // 2))} for k in range(8)]
    rows += [{"userId": "0", "movieId": "m", "timestamp": str(20 * k)} for k in (4, 5)]
    drawn = scenario(written(tmp_path / "log.csv", rows), slots=2, users=2)
    drawn.check_traces(2)
    with pytest.raises(InputError, match="users: must be at most 1, the users in trace 2; received 2"):
        drawn.check_traces(3)
    with pytest.raises(InputError, match="traces: must be at most 3"):
        drawn.check_traces(4)
    recipe = Recipe(library_seed=1, trace_seed=1, libraries=1, users=(2,), traces=3)
    with pytest.raises(InputError, match="in trace 2"):
        next(places("x", recipe, drawn))


def test_idle_users_can_draw_from_the_trace(tmp_path):
    """With `draw`, idle slots hold requests of the trace; the slots with a request keep theirs."""
    rows = films(4)
    file = written(tmp_path / "log.csv", rows)
    drawn = scenario(file, idle="draw").trace(1, "trace", 0, 4, 0).requested_model
    other = scenario(file, idle="draw").trace(2, "trace", 0, 4, 0).requested_model
    repeated = scenario(file).trace(1, "trace", 0, 4, 0).requested_model
    assert (drawn == other).mean() > 0.2
    assert not np.array_equal(drawn, other)
    assert set(drawn.ravel().tolist()) <= set(range(6))
    assert (drawn == repeated).any()


@pytest.mark.parametrize("users", [1, 3])
def test_without_users_the_kth_request_of_a_slot_is_user_k_s(users, tmp_path):
    """Requests are dealt out in the order of time; a user without one in a slot repeats the one before."""
    rows = films(6, rows=120, span_s=400)
    drawn = scenario(written(tmp_path / "log.csv", rows), FILMS | {"user": ""}, slots=8, users=users)
    dealt, taken = [], {}
    for row in sorted(rows, key=lambda row: float(row["timestamp"])):
        slot = (float(row["timestamp"]) - min(float(one["timestamp"]) for one in rows)) // 20.0
        taken[slot] = taken.get(slot, -1) + (row["movieId"] in top(rows, 6))
        dealt.append(row | {"userId": f"k{taken[slot]}"})
    expected = interpreted(dealt, 0, 8, users, 6, "drop", "repeat", "first")
    assert drawn.trace(1, "trace", 0, users, 0).requested_model.tolist() == expected


def top(rows, models):
    """Return the most requested items, the first seen first among equals."""
    seen = [row["movieId"] for row in sorted(rows, key=lambda row: float(row["timestamp"]))]
    return sorted(dict.fromkeys(seen), key=lambda item: -seen.count(item))[:models]


def test_a_cloud_s_log_gives_sizes(tmp_path):
    """Dates, models by name and tokens in and out: inputs have their size, models their mean output."""
    begin = datetime(2023, 11, 16, 18, 17, 3, tzinfo=UTC)
    sizes = [(("gpt", "chat")[k % 3 == 0], 100 + k, 10 * (k % 3 == 0) + 20) for k in range(30)]
    rows = [
        {"TIMESTAMP": (begin + timedelta(seconds=20 * k)).isoformat(sep=" "), "Model": model,
         "ContextTokens": str(tokens), "GeneratedTokens": str(out)}
        for k, (model, tokens, out) in enumerate(sizes)
    ]  # fmt: skip
    columns = {"time": "TIMESTAMP", "user": "Model", "item": "Model",
               "input": "ContextTokens", "output": "GeneratedTokens"}  # fmt: skip
    file = written(tmp_path / "cloud.csv", rows)
    section = {"process": "log", "file": file, "columns": columns,
               "input_unit": "token", "output_unit": "token", "bytes_a_token": 4.0}  # fmt: skip
    drawn = validated(Scenario, {"slots": 10, "users": 1, "models": 2, "requests": section})
    trace = drawn.trace(1, "trace", 0, 1, 0)
    first = next(tokens for model, tokens, _ in sizes[:10] if model == sizes[0][0])
    assert trace.input_bits[0, 0] == first * 4 * 8
    assert drawn.library(1).output_bits.tolist() == [20 * 4 * 8, 30 * 4 * 8]
    assert drawn.trace_count() == 3


def test_a_window_cuts_the_log(tmp_path):
    """Requests before `begin` and from `end` on do not count, and slots begin at `begin`."""
    rows = films(5)
    begin, end = 964982703 + 200, 964982703 + 1200
    file = written(tmp_path / "log.csv", rows)
    drawn = scenario(file, window={"begin": begin, "end": end})
    kept = [row for row in rows if begin <= float(row["timestamp"]) < end]
    log = drawn.requests.requests(drawn._shape)
    assert (log.rows, log.outside) == (600, 600 - len(kept))
    assert drawn.trace_count() == 2
    slots = sorted(int((float(row["timestamp"]) - begin) // 20) for row in kept)
    assert log.slot[0] >= slots[0]
    assert log.slot[-1] <= slots[-1]


def test_parquet_and_csv_are_the_same(tmp_path):
    """A Parquet file gives what the CSV file with the same rows gives."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    rows = films(6)
    pandas.DataFrame(rows).to_parquet(tmp_path / "log.parquet")
    traces = [
        scenario(file).trace(1, "trace", 0, 4, 1)
        for file in (written(tmp_path / "log.csv", rows), str(tmp_path / "log.parquet"))
    ]
    assert traces[0] == traces[1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("text", "fields", "line"),
    [
        ("", {}, "file: must begin with a line of column names"),
        (
            "timestamp,userId,movieId,userId\n1,1,2,3\n",
            {},
            "columns: must have names of their own; received 'userId'",
        ),
        ("timestamp,userId,movieId\n1,,2\n", {}, "userId[0]: must not be empty"),
        ("timestamp,userId,movieId\n1,1, \n", {}, "movieId[0]: must not be empty"),
        ("timestamp,userId,movieId\n1,1,2\n2023-01-01,1,2\n", {}, "timestamp[1]: must be a number"),
        ("timestamp,userId,movieId\n1_0,1,2\n", {}, "timestamp[0]: must be a number, or a date and time"),
        ("timestamp,userId,movieId\n\u0663,1,2\n", {}, "timestamp[0]: must be a number, or a date and time"),
        ("timestamp,userId,movieId\n0,1,2\n1e300,1,2\n", {}, "timestamp[1]: must be a number, at most 1e+30"),
        ("timestamp,userId,movieId\n0,1,2\n1e29,1,2\n", {}, "slot_s: must be so long"),
        ("timestamp,userId,movieId\n0,1,2\n1e29,1,2\n", {"slot_s": 1e-300}, "slot_s: must be so long"),
        (
            "timestamp,userId,movieId\n1,1,2\n",
            {"window": {"begin": "2023-01-01"}},
            "window.begin: must be written as",
        ),
        (
            "timestamp,userId,movieId\n1,1,2\n",
            {"columns": FILMS | {"input": "userId"}, "window": {"end": "inf"}},
            "window.end",
        ),
        (
            "timestamp,userId,movieId\n1,1,0\n",
            {"columns": FILMS | {"input": "movieId"}},
            "movieId[0]: must be > 0",
        ),
        ("timestamp,userId,movieId\n", {}, "file: must hold a request"),
        ("timestamp,userId,movieId\nsoon,1,2\n", {}, "timestamp[0]: must be a number, or a date and time"),
        ("timestamp,userId,movieId\nnan,1,2\n", {}, "timestamp[0]: must be a number"),
        ("timestamp,userId,movieId\n1,1\n", {}, "line 2: must hold 3 columns or more; received 2"),
        (
            'timestamp,userId,movieId\n1,1,"' + "x" * 140_000 + '"\n',
            {},
            "must be CSV in UTF-8; received 'field larger",
        ),
        ("timestamp,userId,movieId\n1,1,2\n", {}, "slots: must be at most 1"),
        ("timestamp,userId,movieid\n1,1,2\n", {}, "did you mean 'movieid'?"),
        ("timestamp,userId,movieId\n1,1,2\n", {"window": {"begin": 7}}, "window: must hold a request"),
        ("timestamp,userId,movieId\n1,1,2\n", {"sha256": "0" * 64}, "the file has changed"),
        (None, {}, "file: must be readable; received No such file"),
    ],
)
def test_a_log_is_refused_in_a_line(text, fields, line, tmp_path):
    """A log that cannot be read is refused with its path, the place and the rule."""
    file = tmp_path / "log.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError) as caught:
        scenario(str(file), **fields).trace(1, "trace", 0, 4, 0)
    assert str(caught.value).startswith(str(file))
    assert line in str(caught.value)
