"""What a run reported while it ran, kept in bounded memory however much it was."""

from __future__ import annotations

MAX_EVENTS = 256
MAX_BYTES = 32 * 1024 * 1024
"""Of each kind at most this many reports and bytes are kept, the last one always."""


class Events:
    """Reports by kind, thinned: when there are too many, every second one but the last is dropped."""

    def __init__(self) -> None:
        self._kept: dict[bytes, list[tuple[float, bytes]]] = {}

    def add(self, kind: bytes, seconds: float, payload: bytes) -> None:
        """Keep a report, and so many of those before it as there is room for."""
        kept = self._kept.setdefault(kind, [])
        kept.append((seconds, payload))
        room = max(2, min(MAX_EVENTS, MAX_BYTES // max(1, len(payload))))
        if len(kept) > room:
            del kept[-2::-2]

    def of(self, kind: bytes) -> list[tuple[float, bytes]]:
        """Return the reports of a kind that are kept, in order."""
        return self._kept.get(kind, [])
