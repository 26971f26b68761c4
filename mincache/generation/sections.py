"""The sections of a scenario's file, and the processes that can stand in each, those of packages included."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from mincache.errors import InputError, did_you_mean, excerpt, line_of
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
    return {name: _find(section, name) for name in _known(section)}


def _own(section: str) -> dict[str, type[Process]]:
    return {kind.model_fields["process"].default: kind for kind in _KINDS[section]}


def _added(section: str) -> dict[str, EntryPoint]:
    points = entry_points(group=_ENTRY_POINT_GROUP)
    return {one.name.removeprefix(f"{section}."): one for one in points if one.name.startswith(f"{section}.")}


def _known(section: str) -> list[str]:
    return list(_own(section) | _added(section))


def _find(section: str, name: str) -> type[Process]:
    """Return the process of this name; of the packages, only the one that has it is loaded."""
    if (own := _own(section).get(name)) is not None:
        return own
    point = _added(section)[name]
    try:
        kind = point.load()
        if not issubclass(kind, Process):
            raise TypeError(f"{point.value} is no Process")
    except (Exception, SystemExit) as error:  # a package may do anything when it is loaded
        rule = f"must be one that loads, as {name!r} does not"
        raise InputError("process", rule, line_of(error)) from error
    return cast(type[Process], kind)


def read_section(section: str, value: Any) -> Any:
    """Return the process that a section's table describes; what is no table is returned as it is."""
    if not isinstance(value, dict):
        return value
    name = value.get("process", next(iter(_own(section))))
    if not isinstance(name, str) or not (name in _own(section) or name in _known(section)):
        known = _known(section)
        advice = did_you_mean(str(name), known, "if a package brings it, install that package")
        raise InputError("process", f"must be one of {', '.join(known)}", excerpt(name), advice)
    return validated(_find(section, name), value | {"process": name})
