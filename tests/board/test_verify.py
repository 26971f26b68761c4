"""Each way of cheating or damage is done to a published board, and must be found."""

import gzip
import hashlib
import json
import lzma
import re
import shutil
from dataclasses import replace

import pytest
import tomli_w
from board_fixture import entry_name, judged, smoke_campaign

from mincache import Solution
from mincache.board.entries import (
    MANIFEST_FILE,
    RECORDS_FILE,
    REVIEW_FILE,
    SOLUTIONS_FILE,
    Review,
    read_campaigns,
    read_entry,
    write_table,
)
from mincache.board.packs import read_pack, write_pack
from mincache.board.publish import publish, solutions_in
from mincache.board.render import write_page
from mincache.board.rerun import wrong_in_review
from mincache.board.verify import TOGETHER, read_board, verify
from mincache.errors import InputError
from mincache.files.tables import validated
from mincache.generation.suites import find

ENTRY = entry_name("cloud-only")
OTHER = entry_name("random-allocation")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A board with two entries."""
    campaign = smoke_campaign(tmp_path_factory.mktemp("campaign"))
    board = tmp_path_factory.mktemp("published")
    publish(read_campaigns([campaign]), solutions_in([campaign]), board)
    write_page(board, read_board(board).tables())
    return board


@pytest.fixture
def board(published, tmp_path):
    """A copy to be tampered with."""
    return shutil.copytree(published, tmp_path / "board")


def wrong(board, page=True):
    """Return what verify finds, by what it found it in; the page is brought up to date first."""
    if page:
        write_page(board, read_board(board).tables())
    return {name: " ".join(sentences) for name, sentences in verify(board).items() if sentences}


def rewrite(board, file, change, name=ENTRY):
    """Rewrite the lines of a pack of an entry, and its manifest so that the hashes agree."""
    folder = board / name
    entry = read_entry(folder)
    key = {RECORDS_FILE: "records", SOLUTIONS_FILE: "solutions"}[file]
    lines = read_pack(folder / file, entry.manifest.records) if key == "records" else entry.solutions()
    content = change(list(lines))
    manifest = entry.manifest.model_copy(update={key: write_pack(folder / file, content)})
    (folder / MANIFEST_FILE).write_text(tomli_w.dumps(manifest.model_dump(mode="json", exclude_none=True)))


def edit(board, **score):
    """Change numbers of the first record's score."""

    def change(lines):
        record = json.loads(lines[0])
        record["score"] |= score
        return [json.dumps(record).encode() + b"\n", *lines[1:]]

    rewrite(board, RECORDS_FILE, change)


def test_an_honest_board_verifies(board):
    """Nothing is wrong with what was published, and rebuilding the page changes no byte."""
    assert wrong(board, page=False) == {}
    (table,) = read_board(board).tables()
    assert [row.tier for row in table.rows] == ["verified", "verified"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cost": 1.0}, "raw cost 1.0; the evaluator finds"),
        ({"violations": {}}, "raw violations none; the evaluator finds bandwidth 1.0 by"),
        (
            {"violations": {"bandwidth": {"rate": 0.5, "mean_excess": 1.0}}},
            "raw violations bandwidth 0.5 by 1.0",
        ),
        ({"solution_sha256": "0" * 64}, "is not stored"),
    ],
)
def test_raw_scores_are_verified(board, change, said):
    """What is said of raw decisions is found again from their document, or it is wrong."""

    def lie(lines):
        record = json.loads(lines[0])
        record["raw"] |= change
        return [json.dumps(record).encode() + b"\n", *lines[1:]]

    rewrite(board, RECORDS_FILE, lie, OTHER)
    assert said in wrong(board)[OTHER]


def test_what_cannot_be_scored_again_is_self_reported(board):
    """An entry without a stored solution of each verified run is not verified."""
    entry = read_entry(board / ENTRY)
    assert (entry.tier(stored=False), entry.tier(stored=True)) == ("self-reported", "verified")


def test_the_same_campaign_publishes_the_same_bytes(published, tmp_path):
    """Publishing is a function of the records."""
    campaign = smoke_campaign(tmp_path / "campaign")
    again = tmp_path / "again"
    publish(read_campaigns([campaign]), solutions_in([campaign]), again)
    write_page(again, read_board(again).tables())
    files = sorted(path.relative_to(published) for path in published.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((published / path).read_bytes() == (again / path).read_bytes() for path in files)


def test_a_cost_typed_in_is_found(board):
    """A lower cost than the solution's is not believed."""
    edit(board, cost=1.0)
    assert "cost 1.0; the evaluator finds" in wrong(board)[ENTRY]


@pytest.mark.parametrize("field", ["hit_ratio", "mean_delay_s", "mean_tv", "mean_backhaul_s"])
def test_any_number_typed_in_is_found(board, field):
    """Every number of the score is held against the evaluator's."""
    edit(board, **{field: 0.123456})
    assert f"{field} 0.123456; the evaluator finds" in wrong(board)[ENTRY]


def test_a_change_in_the_last_digits_is_found(board):
    """One part in a hundred thousand millions is a difference."""
    cost = next(read_entry(board / ENTRY).records()).score.cost
    edit(board, cost=cost * (1 - 1e-11))
    assert "the evaluator finds" in wrong(board)[ENTRY]


@pytest.mark.parametrize("bound", [b"NaN", b"1e999", b'1,"bound":2'])
def test_a_record_is_read_strictly(board, bound):
    """A number that is none, an infinite one and a key given twice are refused."""
    rewrite(
        board,
        RECORDS_FILE,
        lambda lines: [line.replace(b'"bound":null', b'"bound":' + bound) for line in lines],
    )
    (found,) = verify(board)[ENTRY]
    assert found.startswith(f"{board / ENTRY / RECORDS_FILE}: line 1: ")


def test_violations_left_out_are_found(board):
    """Feasibility is the evaluator's word too."""
    edit(board, violations={"storage": 1})
    assert "violations storage 1; the evaluator finds none" in wrong(board)[ENTRY]


def test_a_solution_left_out_is_found(board):
    """A record whose solution is missing is not verified."""
    rewrite(board, SOLUTIONS_FILE, lambda lines: lines[1:])
    assert "is not stored" in wrong(board)[ENTRY]


def test_another_solution_is_found(board):
    """A solution whose bytes have changed is no longer the recorded one."""
    rewrite(board, SOLUTIONS_FILE, lambda lines: [lines[0].replace(b"[0,", b"[1,", 1), *lines[1:]])
    assert "belongs to no record" in wrong(board)[ENTRY]


def test_solutions_packed_as_gzip_are_read(board):
    """Earlier versions packed them so; two packs of one entry are one too many."""
    new, old = board / ENTRY / SOLUTIONS_FILE, board / ENTRY / "solutions.jsonl.gz"
    old.write_bytes(gzip.compress(lzma.decompress(new.read_bytes())))
    assert wrong(board)[ENTRY] == "solutions.jsonl.gz does not belong to an entry"
    new.unlink()
    assert wrong(board) == {}


def test_a_record_given_twice_is_found(board):
    """Each run has one record."""
    rewrite(board, RECORDS_FILE, lambda lines: [lines[0], *lines])
    assert "2 records" in wrong(board)[ENTRY]


def test_a_damaged_pack_is_found(board):
    """A pack that is not what the manifest says is refused, and the other entry is still checked."""
    (board / ENTRY / RECORDS_FILE).write_bytes(gzip.compress(b"{}\n"))
    found = verify(board)
    assert any("sha256" in sentence or "must" in sentence for sentence in found[ENTRY])
    assert found[OTHER] == []


def test_a_record_of_another_instance_is_found(board):
    """A record on other bytes than the suite's does not count."""
    rewrite(
        board,
        RECORDS_FILE,
        lambda lines: [line.replace(b'"instance":"smoke', b'"instance":"sm0ke') for line in lines],
    )
    assert "the suite has no such instance" in wrong(board, page=False)[ENTRY]


def test_a_stray_file_is_found(board):
    """Nothing lies in an entry that no check looks at."""
    (board / ENTRY / "run.sh").write_text("true")
    assert "run.sh does not belong to an entry" in wrong(board)[ENTRY]


def test_policies_are_those_that_the_records_name(board):
    """Policies beside the records hash to what each record says; nothing else lies with them."""
    folder = board / ENTRY / "policies"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(b"weights")
    assert "policies: are not the files that the records name" in wrong(board)[ENTRY]
    name = json.dumps([["a.safetensors", hashlib.sha256(b"weights").hexdigest()]])
    files = hashlib.sha256(name.encode()).hexdigest()

    def change(lines):
        records = [json.loads(line) for line in lines]
        return [
            json.dumps(r | {"cell": r["cell"] | {"solver_files": files}}).encode() + b"\n" for r in records
        ]

    rewrite(board, RECORDS_FILE, change)
    (folder / "a.json").write_text("{}")
    assert not wrong(board)
    (folder / "run.sh").write_text("true")
    assert "policies: run.sh is neither a policy nor" in wrong(board)[ENTRY]


def test_an_entry_under_another_name_is_found(board):
    """A copy of an entry, whatever its note says, is not mixed with the row that it is a copy of."""
    copy = shutil.copytree(board / ENTRY, board / f"{ENTRY}-copy") / MANIFEST_FILE
    copy.write_text(copy.read_text().replace('note = ""', 'note = "better"'))
    found = wrong(board)
    assert found == {f"{ENTRY}-copy": f"is the row of {ENTRY} again: nothing that makes an entry differs"}


def test_what_is_hidden_at_the_top_is_not_the_boards(board):
    """A board may be a git repository."""
    (board / ".git" / "hooks").mkdir(parents=True)
    (board / ".gitignore").write_text("site\n")
    assert wrong(board) == {}


def test_a_folders_name_is_plain(board):
    """A name with a line break could write verdicts of its own."""
    (board / ENTRY).rename(board / "smoke-v1" / "a\nok    b")
    assert "the folder's name must be of a to z" in wrong(board)["smoke-v1/a\nok    b"]


def test_nothing_is_written_through_a_link(board, tmp_path):
    """A page that is a link gives way to the page, and what it leads to stays."""
    (tmp_path / "mine.txt").write_text("mine")
    (board / "README.md").unlink()
    (board / "README.md").symlink_to(tmp_path / "mine.txt")
    assert wrong(board) == {}
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_bound_above_a_verified_cost_is_found(board):
    """A wrong bound is found by anybody's better answer, unless the entry is flagged already."""

    def change(lines):
        record = json.loads(lines[0])
        record["bound"] = record["score"]["cost"] * 10
        return [json.dumps(record).encode() + b"\n", *lines[1:]]

    rewrite(board, RECORDS_FILE, change)
    assert "is above the verified cost" in wrong(board)[TOGETHER]
    flag(board)
    assert TOGETHER not in wrong(board)
    assert "is flagged by B. Reader on 2026-01-01: its bound is wrong" in (board / "README.md").read_text()


def flag(board, name=ENTRY, **changes):
    """Flag an entry, as a reviewer would."""
    folder = board / name / "reviews" / "reader"
    folder.mkdir(parents=True)
    said = {"finding": "flagged", "by": "B. Reader", "date": "2026-01-01", "note": "its bound is wrong"}
    write_table(folder / REVIEW_FILE, Review(**said | changes))


def test_a_flagged_entry_is_not_ranked(board):
    """It stands below the others, and the reason is its tier."""
    flag(board)
    (table,) = read_board(board).tables()
    assert {row.solver: row.unranked for row in table.rows}["cloud-only"] == "flagged"
    assert wrong(board) == {}


def test_an_entry_says_nothing_of_reviews_itself(board):
    """`reproduced` and `flag` in a manifest are wrong, and so is a review by an author."""
    manifest = board / ENTRY / MANIFEST_FILE
    manifest.write_text('reproduced = "by me"\n' + manifest.read_text())
    assert "the manifest's reproduced must be empty" in wrong(board)[ENTRY]


def test_an_author_is_no_reviewer(board):
    """Who stands behind an entry cannot review it."""
    manifest = board / ENTRY / MANIFEST_FILE
    manifest.write_text(manifest.read_text().replace("authors = []", 'authors = ["B. Reader"]'))
    flag(board)
    assert "B. Reader is an author of the entry" in wrong(board)[ENTRY]


def test_a_reproduction_without_records_is_none(board):
    """Saying that a row was reproduced does not make it so."""
    flag(board, finding="reproduced")
    assert "must hold records and solutions" in wrong(board)[ENTRY]


def test_an_entry_that_is_wrong_is_left_out_and_named(board):
    """The others' table and page stay as they are."""
    edit(board, cost=1.0)
    checked = read_board(board)
    (table,) = checked.tables()
    assert [row.solver for row in table.rows] == ["random-allocation"]
    assert table.remarks[0].startswith(f"{ENTRY} is left out, it does not verify: ")


def test_a_hash_of_another_edition_takes_no_other_entry_with_it(board):
    """The guilty entry is named, and the others are still checked."""

    def change(lines):
        return [
            re.sub(rb'"instance_sha256":"[0-9a-f]{8}', b'"instance_sha256":"00000000', lines[0]),
            *lines[1:],
        ]

    rewrite(board, RECORDS_FILE, change)
    found = verify(board)
    assert "the instance's hash is not the suite's" in " ".join(found[ENTRY])
    assert found[OTHER] == []


def test_a_changed_page_is_found(board):
    """The page must be what the entries give, byte for byte."""
    page = board / "README.md"
    page.write_bytes(page.read_bytes() + b" ")
    found = wrong(board, page=False)
    assert found == {
        "README.md": f"differs from what the entries give, from byte {page.stat().st_size - 1} on"
    }


def test_an_empty_board_is_no_success(tmp_path):
    """Nothing to verify is not verified."""
    with pytest.raises(InputError, match="must be a board with at least one entry"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdict": "infeasible"}, "infeasible without an infeasible score"),
        ({"verdict": "no solution"}, "no solution, and yet a score or a claim"),
        ({"claim": "optimal", "bound": 1e-9}, "claimed optimal at the bound 1e-09"),
        ({"claim": "optimal"}, "claimed optimal at the bound None"),
        (
            {"trace": [{"seconds": s, "cost": None, "bound": None} for s in (2.0, 1.0)]},
            "the trace's times do not rise from 0",
        ),
        (
            {"trace": [{"seconds": 1.0, "cost": 1e-9, "bound": None}]},
            "the trace's cost 1e-09 is below the proven bound",
        ),
    ],
)
def test_what_a_record_says_must_fit_together(board, change, said):
    """Verdict, claim and trace are held against the score and what is proven of the instance."""

    def lie(lines):
        return [json.dumps(json.loads(lines[0]) | change).encode() + b"\n", *lines[1:]]

    rewrite(board, RECORDS_FILE, lie)
    assert said in wrong(board)[ENTRY]


def point(seconds, factor):
    """Return a point of a trace, its cost a multiple of the record's."""
    return {"seconds": seconds, "cost": factor, "bound": None}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"solve_s": 1e6}, "1000000.0 s until the answer are more than the process's"),
        ({"start_s": 9.0}, "9.5 s until the answer are more than the process's"),
        ({"cpu_s": 9.0, "cell": {"cpu_s": 1.0}}, "9.0 s of processor time are more than the limit of 1.0 s"),
        ({"cell": {"solver_name": "mine.py:Mine"}}, "records are of another solver than cloud-only says"),
        ({"evaluations": 2.0, "counted_trace": [[3.0, 1e9]]}, "do not rise from 0 to 2"),
        ({"trace": [point(0.1, 1.0) | {"bound": 1.0}]}, "the trace's bound 1.0 is above the bound None"),
        ({"environment": {"kind": "learned"}}, "kind baseline is not what the records say"),
        ({"environment": {"information": "past"}}, "records differ in information"),
        ({"solve_s": 70.0, "wall_s": 80.0, "cell": {"wall_s": 60.0}}, "more than the limit of 60.0 s"),
        ({"solve_s": None}, "verified without a solve time"),
        ({"solve_s": 1e-4, "trace": [point(3.0, 0.0)]}, "the trace goes on to 3.0 s"),
        ({"trace": [point(0.1, 1.01)]}, "the trace ends at"),
        ({"trace": [point(0.1, 0.9), point(0.2, 1.0)]}, "below the cost"),
        ({"started": "yesterday"}, "which is no date"),
        ({"started": "2999-01-01T00:00:00Z"}, "which is to come"),
    ],
)  # fmt: skip
def test_times_and_traces_that_contradict_themselves_are_found(board, change, said):
    """A trace's costs are given as multiples of the record's."""

    def lie(lines):
        record = json.loads(lines[0])
        cell = record["cell"] | change.get("cell", {})
        new = record | change | {"cell": cell}
        if "trace" in change:
            new["trace"] = [p | {"cost": p["cost"] * record["score"]["cost"]} for p in change["trace"]]
        return [json.dumps(new).encode() + b"\n", *lines[1:]]

    rewrite(board, RECORDS_FILE, lie)
    assert said in wrong(board)[ENTRY]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reference_s": "fast"}, "environment.reference_s: must be a number"),
        ({"reference_s": -1.0}, "environment.reference_s: must be > 0"),
        ({"versions": "0.2.0"}, "environment.versions: must be a table"),
        ({"information": "all"}, "environment.information: must be 'trace', 'slot' or 'past'"),
        ({"stochastic": "no"}, "environment.stochastic: must be true or false"),
    ],
)
def test_an_odd_environment_is_named_and_stops_no_other_entry(board, change, said):
    """What tables read of a machine has a type."""

    def lie(lines):
        return [json.dumps(json.loads(line) | {"environment": change}).encode() + b"\n" for line in lines]

    rewrite(board, RECORDS_FILE, lie)
    found = wrong(board)
    assert said in found[ENTRY]
    assert OTHER not in found


def test_repetitions_that_are_left_out_are_found(board):
    """Bad seeds cannot be dropped: every instance has the same repetitions, numbered from 0."""
    rewrite(board, RECORDS_FILE, lambda lines: lines[1:], OTHER)
    assert "lacks 1 of the 2 repetitions that others have" in wrong(board)[OTHER]
    rewrite(board, RECORDS_FILE, lambda lines: [line for line in lines if b'"repetition":1' in line], OTHER)
    assert "repetitions are not 0 to 0" in wrong(board)[OTHER]


def test_instances_that_are_left_out_are_found(board):
    """An entry has as many instances as its manifest says."""
    rewrite(board, RECORDS_FILE, lambda lines: lines[:3])
    assert "has runs of 3 of 4 instances, the manifest says 4" in wrong(board)[ENTRY]


def test_draws_that_do_not_differ_are_found(board):
    """A stochastic solver whose repetitions are equal on every instance did not draw them."""

    def copied(lines):
        records = [json.loads(line) for line in lines]
        for one in records:
            one["environment"]["stochastic"] = True
        for first, second in zip(records[::2], records[1::2], strict=True):
            second |= {key: first[key] for key in ("score", "raw", "solution_sha256", "trace")}
        return [json.dumps(one).encode() + b"\n" for one in records]

    rewrite(board, RECORDS_FILE, copied, OTHER)
    assert "have equal answers on every instance" in wrong(board)[OTHER]


@pytest.mark.parametrize("name", ["dec\u043emposition", "genetic\u200b"])
def test_a_name_that_looks_like_another_is_found(board, name):
    """Letters of other scripts and characters that cannot be seen are named."""
    manifest = read_entry(board / ENTRY).manifest.model_copy(update={"solver": name})
    (board / ENTRY / MANIFEST_FILE).write_text(
        tomli_w.dumps(manifest.model_dump(mode="json", exclude_none=True))
    )
    assert "characters that look like others" in wrong(board)[ENTRY]


def test_links_are_found(board, tmp_path):
    """A file that is elsewhere is no part of a board."""
    pack = board / ENTRY / RECORDS_FILE
    pack.rename(tmp_path / "records")
    pack.symlink_to(tmp_path / "records")
    assert "records.jsonl.gz is a link" in wrong(board)[ENTRY]


def test_files_that_belong_nowhere_are_found(board):
    """Neither beside the page, nor beside the entries, nor among reviews."""
    (board / "notes.txt").write_text("")
    (board / "smoke-v1" / "notes.txt").write_text("")
    (board / ENTRY / "reviews").mkdir()
    (board / ENTRY / "reviews" / "notes.txt").write_text("")
    found = wrong(board)
    assert "notes.txt does not belong to a board smoke-v1/notes.txt does not" in found[TOGETHER]
    assert "reviews: notes.txt does not belong to a review" in found[ENTRY]


def test_a_picture_that_is_not_as_built_is_found(board):
    """What is drawn again must be what is stored, byte for byte."""
    (board / "smoke-v1.svg").write_bytes(b"<svg>evil</svg>")
    write_page(board, read_board(board).tables())
    assert verify(board, lambda table: b"<svg></svg>")["smoke-v1.svg"] != []
    assert verify(board, lambda table: b"<svg>evil</svg>")["smoke-v1.svg"] == []


def test_the_source_is_what_the_records_name(board):
    """A file beside the records that is not the solver's source is found."""
    source = board / ENTRY / "source"
    source.mkdir()
    (source / "mine.py").write_text("pass")
    assert "source: is not the source that the records name" in wrong(board)[ENTRY]


def test_no_time_is_below_zero(board):
    """A record with a negative time is refused."""
    rewrite(
        board,
        RECORDS_FILE,
        lambda lines: [re.sub(rb'"wall_s":[^,]+', b'"wall_s":-1.0', lines[0]), *lines[1:]],
    )
    (found,) = verify(board)[ENTRY]
    assert "wall_s" in found


def two_limits():
    """Runs of one solver under two limits, and their solutions."""
    suite = find("smoke-v1")
    found = [
        judged(suite, one.name, "cloud-only", Solution.nothing_cached(one), wall_s=wall_s)
        for one in suite
        for wall_s in (10.0, 20.0)
    ]
    documents = {name: document for one in found for name, document in one.documents.items()}
    return [one.record for one in found], documents


def test_replacing_keeps_what_is_published_beside_it(tmp_path):
    """Of one solver under two limits, published anew in one call, both stand there afterwards."""
    records, documents = two_limits()
    for _ in range(2):
        publish(records, documents.__getitem__, tmp_path, about={"authors": ["A"]}, replace=True)
        assert len(list(tmp_path.glob("smoke-v1/cloud-only-*"))) == 2


def test_what_cannot_be_published_replaces_nothing(tmp_path):
    """With a solution missing, the entry that is there stays, and nothing else is left behind."""
    records, documents = two_limits()
    publish(records, documents.__getitem__, tmp_path, about={"authors": ["A"]})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(KeyError):
        publish(records, {}.__getitem__, tmp_path, about={"authors": ["A"]}, replace=True)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("author", ["", " ", "A\nB", " A", "A\x1b[31m", "A\u2028B", "A\u200bB", "A\u202eB"])
def test_an_author_is_a_line_with_something_on_it(tmp_path, author):
    """Two lines would be two authors, an empty one nobody, and an invisible letter another person."""
    records, documents = two_limits()
    with pytest.raises(InputError, match="authors"):
        publish(records, documents.__getitem__, tmp_path, about={"authors": [author]})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("date", ["2026-02-30", "2026-1-1", "20260101", "\u0662\u0660\u0662\u0666-01-01"])
def test_a_review_has_a_day(date):
    """A day that is in no calendar, or written otherwise, is refused."""
    with pytest.raises(InputError, match="date: must be a day such as"):
        validated(Review, {"finding": "flagged", "by": "B", "date": date})


@pytest.mark.parametrize("date", ["2025-12-31", "2999-01-01"])
def test_a_review_comes_after_the_runs(board, date):
    """A review from before the runs, or from the future, is none."""
    flag(board, date=date)
    assert f"its date {date} is before the runs, or to come" in wrong(board)[ENTRY]


NEWER = {
    "solver_source": "b" * 64,
    "solver_version": "9",
    "libraries": {"numpy": "9"},
    "parameters": {"new": 1},
}


@pytest.mark.parametrize(
    ("cell", "started", "said"),
    [
        ({}, "2026-01-02T00:00:00Z", None),
        (NEWER, "2026-01-02T00:00:00Z", None),
        ({"wall_s": 5.0}, "2026-01-02T00:00:00Z", "it holds runs that are not those of the entry"),
        ({"solver_files": "c" * 64}, "2026-01-02T00:00:00Z", "it holds runs that are not those of the entry"),
        ({}, "2026-01-01T00:00:00Z", "it holds runs of the entry, not made again"),
    ],
)
def test_a_reproduction_is_of_the_entrys_runs_made_again(board, cell, started, said):
    """It may be by another version of the solver, under the same limits and with the same policies."""
    entry, place = read_entry(board / ENTRY), board / ENTRY / "reviews" / "reader"
    solutions = write_pack(board / SOLUTIONS_FILE, entry.solutions())
    lines = [
        one.model_copy(update={"started": started, "cell": one.cell.model_copy(update=cell)})
        for one in entry.records()
    ]
    records = write_pack(board / RECORDS_FILE, [one.model_dump_json().encode() + b"\n" for one in lines])
    flag(board, finding="reproduced", date="2026-01-02", records=records, solutions=solutions)
    for name in (RECORDS_FILE, SOLUTIONS_FILE):
        (board / name).rename(place / name)
    assert wrong(board) == ({ENTRY: f"review reader: {said}"} if said else {})


@pytest.mark.parametrize("by", ["A. Author", "a author", "A.  AUTHOR", "\uff21. Author"])
def test_nobody_reviews_an_entry_of_their_own(board, by):
    """Another spelling of an author's name is the author."""
    entry = read_entry(board / ENTRY)
    said = entry.manifest.model_copy(update={"authors": ("A. Author",)})
    review = Review(finding="flagged", by=by, date="2026-01-01")
    told = list(wrong_in_review(replace(entry, manifest=said, reviews={"one": review}), "one"))
    assert told == [f"{by} is an author of the entry"]


def test_the_folder_of_a_suite_is_no_board(board):
    """Who names the folder of one suite is told how to choose it."""
    with pytest.raises(InputError, match=r"must be a whole board.*--suite smoke-v1"):
        read_board(board / "smoke-v1")
