"""Parsing many records: equal environments, most of what records hold, are parsed once and are one object."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from mincache.judging.records import Record

_MARK = b',"environment":'
_UNTOLD: set[str] = set()


class RecordParser:
    """Parses the JSON of records as `Record.model_dump_json` writes it, `environment` last.

    Any other order of fields is parsed too, each environment anew.
    """

    def __init__(self) -> None:
        self._environments: dict[bytes, dict[str, Any]] = {}

    def parse(self, payload: bytes) -> Record:
        """Return the record in `payload`.

        Raises:
            ValidationError: if it is none.
        """
        head, _, tail = payload.rpartition(_MARK)
        return _lightened(self._with_known(head, tail) or self._whole(payload, tail))

    def _with_known(self, head: bytes, tail: bytes) -> Record | None:
        environment = self._environments.get(tail)
        if environment is None:
            return None
        try:
            record = Record.model_validate_json(head + b"}")
        except ValidationError:
            return None  # the mark stood somewhere within a field
        # The record is frozen for others; it has not been handed out yet, and copying it takes longer.
        object.__setattr__(record, "environment", environment)
        return record

    def _whole(self, payload: bytes, tail: bytes) -> Record:
        record = Record.model_validate_json(payload)
        if _is_all_of(record.environment, tail):
            self._environments[tail] = record.environment
        return record


def _is_all_of(environment: dict[str, Any], tail: bytes) -> bool:
    try:
        found: object = json.loads(tail.removesuffix(b"}"))
    except ValueError:
        return False
    return found == environment


def _lightened(record: Record) -> Record:
    """Drop which fields were given and which are defaults: nobody asks, and it is half of the memory."""
    for part in (record, record.cell, record.score, record.raw):
        if part is not None:
            object.__setattr__(part, "__pydantic_fields_set__", _UNTOLD)
    return record
