"""Each way of cheating or damage is done to a published board, and must be found."""

import gzip
import hashlib
import json
import re
import shutil

import pytest
import tomli_w
from board_fixture import smoke_campaign

from mincache.board.entries import MANIFEST_FILE, RECORDS_FILE, SOLUTIONS_FILE, read_entries, read_entry
from mincache.board.packs import read_pack, write_pack
from mincache.board.publish import publish, solutions_in, write_page
from mincache.board.results import read_campaigns
from mincache.board.verify import TOGETHER, verify
from mincache.errors import InputError

ENTRY = "smoke-v1/cloud-only"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A board with two entries."""
    campaign = smoke_campaign(tmp_path_factory.mktemp("campaign"))
    board = tmp_path_factory.mktemp("published")
    publish(read_campaigns([campaign]), solutions_in([campaign]), board)
    write_page(board)
    return board


@pytest.fixture
def board(published, tmp_path):
    """A copy to be tampered with."""
    return shutil.copytree(published, tmp_path / "board")


def wrong(board, page=True):
    """Return what verify finds, by what it found it in; the page is brought up to date first."""
    if page:
        write_page(board)
    return {name: " ".join(sentences) for name, sentences in verify(board) if sentences}


def rewrite(board, file, change, name=ENTRY):
    """Rewrite the lines of a pack of an entry, and its manifest so that the hashes agree."""
    folder = board / name
    entry = read_entry(folder)
    key = {RECORDS_FILE: "records", SOLUTIONS_FILE: "solutions"}[file]
    content = change(list(read_pack(folder / file, getattr(entry.manifest, key))))
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
    assert [entry.tier for entry in read_entries(board)] == ["verified", "verified"]


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

    rewrite(board, RECORDS_FILE, lie, "smoke-v1/random-allocation")
    assert said in wrong(board)["smoke-v1/random-allocation"]


@pytest.mark.parametrize("failed", [slice(None), slice(1)], ids=["all", "one"])
def test_what_cannot_be_scored_again_is_self_reported(board, failed):
    """An entry without a verified record, or with one whose solution is not stored, is not verified."""

    def change(lines):
        changed = {"solution_sha256": None} | ({"verdict": "no solution"} if failed == slice(None) else {})
        records = [json.loads(line) for line in lines]
        for record in records[failed]:
            record |= changed
        return [json.dumps(record).encode() + b"\n" for record in records]

    rewrite(board, RECORDS_FILE, change)
    assert read_entry(board / ENTRY).tier == "self-reported"


def test_the_same_campaign_publishes_the_same_bytes(published, tmp_path):
    """Publishing is a function of the records."""
    campaign = smoke_campaign(tmp_path / "campaign")
    again = tmp_path / "again"
    publish(read_campaigns([campaign]), solutions_in([campaign]), again)
    write_page(again)
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
    cost = read_entry(board / ENTRY).records[0].score.cost
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
    (found,) = dict(verify(board))[ENTRY]
    assert found.startswith(f"{board / ENTRY / RECORDS_FILE}: line 1: ")


def test_violations_left_out_are_found(board):
    """Feasibility is the evaluator's word too."""
    edit(board, violations={"storage": 1})
    assert "feasible True {'storage': 1}" in wrong(board)[ENTRY]


def test_a_solution_left_out_is_found(board):
    """A record whose solution is missing is not verified."""
    rewrite(board, SOLUTIONS_FILE, lambda lines: lines[1:])
    assert "is not stored" in wrong(board)[ENTRY]


def test_another_solution_is_found(board):
    """A solution whose bytes have changed is no longer the recorded one."""
    rewrite(board, SOLUTIONS_FILE, lambda lines: [lines[0].replace(b"[0,", b"[1,", 1), *lines[1:]])
    assert "belongs to no record" in wrong(board)[ENTRY]


def test_a_record_given_twice_is_found(board):
    """Each run has one record."""
    rewrite(board, RECORDS_FILE, lambda lines: [lines[0], *lines])
    assert "2 records" in wrong(board)[ENTRY]


def test_a_damaged_pack_is_found(board):
    """A pack that is not what the manifest says is refused, and the other entry is still checked."""
    (board / ENTRY / RECORDS_FILE).write_bytes(gzip.compress(b"{}\n"))
    found = dict(verify(board))
    assert any("sha256" in sentence or "must" in sentence for sentence in found[ENTRY])
    assert found["smoke-v1/random-allocation"] == []


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
    """An entry copied under another name stands twice on the board."""
    shutil.copytree(board / ENTRY, board / "smoke-v1" / "better")
    assert "2 entries of cloud-only on smoke-v1" in wrong(board)[TOGETHER]


def test_a_bound_above_a_verified_cost_is_found(board):
    """A wrong bound is found by anybody's better answer, unless the entry is flagged already."""

    def change(lines):
        record = json.loads(lines[0])
        record["bound"] = record["score"]["cost"] * 10
        return [json.dumps(record).encode() + b"\n", *lines[1:]]

    rewrite(board, RECORDS_FILE, change)
    assert "is above the verified cost" in wrong(board)[TOGETHER]
    manifest = board / ENTRY / MANIFEST_FILE
    manifest.write_text(manifest.read_text().replace('flag = ""', 'flag = "its bound is wrong"'))
    assert TOGETHER not in wrong(board)
    assert read_entry(board / ENTRY).tier == "flagged"
    assert "cloud-only is flagged: its bound is wrong" in (board / "README.md").read_text()


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
        list(verify(tmp_path))


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


def test_no_time_is_below_zero(board):
    """A record with a negative time is refused."""
    rewrite(
        board,
        RECORDS_FILE,
        lambda lines: [re.sub(rb'"wall_s":[^,]+', b'"wall_s":-1.0', lines[0]), *lines[1:]],
    )
    (found,) = dict(verify(board))[ENTRY]
    assert "wall_s" in found
