"""Parsing many records: equal environments, most of what records hold, are one object."""

from __future__ import annotations

from typing import Any

from mincache.judging.records import Record

_MARK = b',"environment":'
_UNTOLD: set[str] = set()


class RecordParser:
    """Parses the JSON of records; equal environments are shared where they come last, as they are written."""

    def __init__(self) -> None:
        self._environments: dict[bytes, dict[str, Any]] = {}

    def parse(self, payload: bytes) -> Record:
        """Return the record in `payload`.

        Raises:
            ValidationError: if it is none.
        """
        record = Record.model_validate_json(payload)
        known = self._environments.setdefault(payload.rpartition(_MARK)[2], record.environment)
        # The record is frozen for others; it has not been handed out yet, and copying it takes longer.
        if known == record.environment:
            object.__setattr__(record, "environment", known)
        # Which fields were given and which are defaults, nobody asks, and it is half of the memory.
        for part in (record, record.cell, record.score, record.raw):
            if part is not None:
                object.__setattr__(part, "__pydantic_fields_set__", _UNTOLD)
        return record
