"""The sections of a scenario's file, and the processes that can stand in each, those of packages included."""

from importlib.metadata import entry_points
from typing import Any

from mincache.errors import InputError, did_you_mean, excerpt
from mincache.files.tables import validated
from mincache.generation import radio_processes as radio
from mincache.generation.library_processes import LibraryRanges
from mincache.generation.process import Process
from mincache.generation.request_log import RequestLog
from mincache.generation.request_processes import Preference, Regimes, ShotNoise, Zipf, ZipfMarkov

_ENTRY_POINT_GROUP = "mincache.processes"  # of other packages' processes, named `<section>.<process>`

_KINDS: dict[str, tuple[type[Process], ...]] = {
    "requests": (ZipfMarkov, Zipf, Regimes, ShotNoise, Preference, RequestLog),
    "positions": (radio.UniformPositions, radio.ClusteredPositions, radio.RandomWaypoint, radio.PositionLog),
    "channel": (radio.PathLoss,),
    "user": (radio.PowerRange,),
    "models": (LibraryRanges,),
}
"""The processes of mincache by section; the first of a section is its default."""


def processes(section: str) -> dict[str, type[Process]]:
    """Return the processes of a section by name, those of other packages included."""
    added = {
        point.name.removeprefix(f"{section}."): point.load()
        for point in entry_points(group=_ENTRY_POINT_GROUP)
        if point.name.startswith(f"{section}.")
    }
    return _own(section) | added


def _own(section: str) -> dict[str, type[Process]]:
    return {kind.model_fields["process"].default: kind for kind in _KINDS[section]}


def read_section(section: str, value: Any) -> Any:
    """Return the process that a section's table describes; what is no table is returned as it is."""
    if not isinstance(value, dict):
        return value
    own = _own(section)
    name = value.get("process", next(iter(own)))
    kind = own.get(name) if isinstance(name, str) else None
    if kind is None:
        known = processes(section)
        if not isinstance(name, str) or name not in known:
            rule = f"must be one of {', '.join(known)}"
            raise InputError("process", rule, excerpt(name), did_you_mean(str(name), known, ""))
        kind = known[name]
    return validated(kind, value | {"process": name})
