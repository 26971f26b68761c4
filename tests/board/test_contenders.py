import json

from board_fixture import record

from mincache.board.contenders import contender, labels, printable
from mincache.files.documents import digest


def _labels(*records):
    return sorted(labels({contender(vars(r.cell)) for r in records}).values())


def test_a_label_is_the_solver_as_written():
    """One way of running a solver is called by the solver alone."""
    assert _labels(record("genetic[population=50]", "a"), record("genetic", "a")) == [
        "genetic",
        "genetic[population=50]",
    ]


def test_twins_are_told_apart_by_what_differs():
    """The same solver under two time limits is two contenders, each named with its limit."""
    assert _labels(record("genetic", "a", wall_s=60), record("genetic", "a")) == [
        "genetic (60 s)",
        "genetic (no limit)",
    ]


def test_another_source_is_another_contender():
    """A solver whose file was changed is not mixed with what it was before."""
    assert _labels(record("genetic", "a", source="b" * 64), record("genetic", "a")) == [
        "genetic (source aaaaaaaa)",
        "genetic (source bbbbbbbb)",
    ]


def test_other_files_are_another_contender():
    """A learner whose policies were trained anew is not mixed with what it was before."""
    old = record("ddpg", "a")
    new = old.model_copy(update={"cell": old.cell.model_copy(update={"solver_files": "f" * 64})})
    assert _labels(old, new) == ["ddpg (files ffffffff)", "ddpg (files unknown)"]


def test_a_limit_on_evaluations_is_told_and_without_one_the_hash_is_as_it_was():
    """Folders of entries carry the hash, which a later field must not change."""
    free = contender(vars(record("s", "a", source="a").cell))
    limited = free._replace(evaluations=50)
    before = ["s", "a", "", "", "", "{}", None, None, None, 1, free.evaluator_version, ""]
    assert free.sha256 == digest(json.dumps(before).encode())
    assert limited.sha256 != free.sha256
    assert list(labels([free, limited]).values()) == ["s (no limit)", "s (50 evaluations)"]


def test_printable_takes_the_teeth_out_of_control_characters():
    """An escape sequence in a name is shown, not sent to the terminal, and a novel is cut."""
    assert printable("a\x1b[31mb\nc") == "a\\x1b[31mb\\x0ac"
    assert len(printable("x" * 1000)) == 100
