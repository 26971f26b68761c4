"""Calls of the Linux kernel that Python has no names for; each raises an OSError where the kernel refuses."""

import ctypes
import os
import platform
import sys
from functools import cache
from typing import Any

BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000  # flags of `mount`
READ_ONLY, NO_SETUID, NO_DEVICES, NO_PROGRAMS = 1, 2, 4, 8
"""Flags of `mount`, and attributes of `restrict_mount`."""

_NUMBERS = {
    "x86_64": {"pivot_root": 155, "keyctl": 250}, "aarch64": {"pivot_root": 41, "keyctl": 219},
}  # fmt: skip
_COMMON = {
    "close_range": 436, "mount_setattr": 442, "landlock_create_ruleset": 444, "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}  # fmt: skip
_HERE, _BELOW_TOO = -100, 0x8000


@cache
def _library() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library, and return its result."""
    return _checked(name, getattr(_library(), name)(*arguments))


def system_call(name: str, *arguments: object) -> int:
    """Make a system call, and return its result."""
    number = {**_COMMON, **_NUMBERS.get(platform.machine(), {})}.get(name)
    if number is None:
        raise OSError(0, f"{name} is not known on {platform.machine()}")
    whole = (ctypes.c_long(one) if isinstance(one, int) else one for one in arguments)
    return _checked(name, _library().syscall(number, *whole))


def _checked(name: str, result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def prctl(option: int, value: int, more: object = None) -> None:
    """Set a property of this process."""
    if sys.platform != "linux":
        raise OSError(0, "Linux alone has prctl")
    call("prctl", option, ctypes.c_ulong(value), more, None, None)


def mount(source: str, place: str, kind: str = "", flags: int = BIND | RECURSIVE, options: str = "") -> None:
    """Mount a file system, by default what is seen at `source`, at `place`."""
    call("mount", os.fsencode(source), os.fsencode(place), kind.encode(), ctypes.c_ulong(flags),
         options.encode() or None)  # fmt: skip


def restrict_mount(place: str, attributes: int, below: bool = False) -> None:
    """Take rights from the mount at `place`, and from all below it if so asked."""
    wanted = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = _BELOW_TOO if below else 0
    system_call("mount_setattr", _HERE, os.fsencode(place), flags, wanted, ctypes.sizeof(wanted))


def close_from(lowest: int) -> None:
    """Close every descriptor from `lowest` on."""
    try:
        system_call("close_range", lowest, ctypes.c_ulong(0x7FFFFFFF), 0)
    except OSError:  # an older kernel, or another system
        os.closerange(lowest, os.sysconf("SC_OPEN_MAX"))
