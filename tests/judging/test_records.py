"""Sharing environments changes nothing about the records that are read."""

import json

import pytest
from board_fixture import record
from pydantic import ValidationError

from mincache.judging.records import Record, RecordParser

ENVIRONMENTS = [
    {},
    {"cpu": "some", "libraries": {"numpy": "2.4.6"}},
    {"cpu": "another", "environment": {"x": 1}},
    {"cpu": "a third", "environment": {"x": 1}},
    {"said": 'quotes ","environment":{} inside'},
]


def payload(environment, **changes):
    """Return the JSON of a record with this environment."""
    return (
        record("exact", "a", 1.0).model_copy(update={"environment": environment, **changes}).model_dump_json()
    )


def test_parsing_many_is_parsing_each():
    """Whatever environments hold, and however often, every record is as pydantic alone reads it."""
    parser = RecordParser()
    texts = [payload(one, reason=str(n)) for n in range(3) for one in ENVIRONMENTS]
    for text in texts:
        assert parser.parse(text.encode()) == Record.model_validate_json(text)


def test_equal_environments_are_one_object():
    """The second record shares the first one's environment, a third with another has its own."""
    parser = RecordParser()
    first, second, third = (
        parser.parse(payload(ENVIRONMENTS[n], reason=str(k)).encode()) for k, n in enumerate((1, 1, 2))
    )
    assert first.environment is second.environment
    assert (first.reason, second.reason) == ("0", "1")
    assert third.environment == ENVIRONMENTS[2]


def test_any_order_of_fields_is_read():
    """A record whose environment stands before other fields keeps those fields, also the second time."""
    parser = RecordParser()
    for reason in ("one", "two"):
        fields = json.loads(payload(ENVIRONMENTS[1], reason=reason, output="said"))
        last = {name: fields.pop(name) for name in ("environment", "output")}
        text = json.dumps(fields | last, separators=(",", ":"))
        found = parser.parse(text.encode())
        assert (found.reason, found.output, found.environment) == (reason, "said", ENVIRONMENTS[1])


def test_what_is_no_record_is_refused():
    """A known environment does not make a record of anything else."""
    parser = RecordParser()
    whole = payload(ENVIRONMENTS[1]).encode()
    parser.parse(whole)
    with pytest.raises(ValidationError):
        parser.parse(whole.replace(b'"verdict":"verified"', b'"verdict":"splendid"'))
    with pytest.raises(ValidationError):
        parser.parse(whole[:-1])
    with pytest.raises(ValidationError):
        parser.parse(payload(ENVIRONMENTS[1], solution_sha256="../secret").encode())


def test_what_is_parsed_can_be_copied_and_written():
    """A record that was parsed is changed and written as one that pydantic alone has read."""
    text = payload(ENVIRONMENTS[1])
    found, plain = RecordParser().parse(text.encode()), Record.model_validate_json(text)
    for changes in ({}, {"verdict": "malformed", "reason": "for the test"}):
        assert (
            found.model_copy(update=changes).model_dump_json()
            == plain.model_copy(update=changes).model_dump_json()
        )
    cell = found.cell.model_copy(update={"seed": 5})
    assert cell.model_dump() == plain.cell.model_copy(update={"seed": 5}).model_dump()
    assert found.cell.key == plain.cell.key
    assert found == plain
