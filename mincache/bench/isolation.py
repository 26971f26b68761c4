"""What keeps a run from whatever is not its own: namespaces of Linux, else Landlock in part, else nothing.

With namespaces a run has processes, files, network, shared memory and rights of its own, and no path to
others. Landlock alone refuses to open files and to reach the network. Which of them holds is found by trying.
What fails raises an OSError that names the step.
"""

import contextlib
import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mincache.bench import view
from mincache.bench.kernel import call, prctl, system_call
from mincache.bench.view import View

NAMESPACES, OFF = "namespaces", "off"
_NEWNS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000


class Held(NamedTuple):
    """What holds runs here: `namespaces`, `landlock N` (its version) or `off`, and why no more does."""

    level: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.level} ({self.why})" if self.why else self.level


def held(wish: str) -> Held:
    """Return what can hold runs here, by trying it; call it in a process of one thread."""
    if wish == "off":
        return Held(OFF, "as asked for")
    why = "as asked for" if wish == "landlock" else _try_namespaces()
    if not why:
        return Held(NAMESPACES)
    version = landlock_version()
    return Held(f"landlock {version}" if version else OFF, f"no namespaces: {why}")


def _try_namespaces() -> str:
    """Return why namespaces cannot hold a run here; "" if they can."""
    if sys.platform != "linux":
        return "Linux alone has them"
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            user = own_processes()
            run = os.fork()
            if run:
                os.waitpid(run, 0)
                os._exit(0)
            enclose(View(("/usr",), size_bytes=1 << 20), user, network=False)
            os.write(writing, b"held")
        except BaseException as error:
            os.write(writing, str(error).encode()[:200])
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        told = pipe.read().decode(errors="replace")
    os.waitpid(pid, 0)
    return "" if told == "held" else told or "a trial run ended"


def own_processes() -> bool:
    """Give this process's children a process namespace; return whether in a new user namespace too."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        call("unshare", _NEWUSER | _NEWPID)
    except OSError:
        if uid != 0:
            raise
        call("unshare", _NEWPID)
        return False
    place = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
    _map_ids(place, uid, gid)
    os.close(place)
    return True


def _map_ids(place: int, uid: int, gid: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        file = os.open(name, os.O_WRONLY, dir_fd=place)
        os.write(file, text.encode())
        os.close(file)


def enclose(seen: View, user: bool, network: bool) -> int:
    """Cut this process off from all but what it is to see; return a descriptor of its own file system."""
    uid, gid = os.geteuid(), os.getegid()
    # Opened before: later it is read-only with all the rest.
    own = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
    call("unshare", _NEWNS | _NEWIPC | (0 if network else _NEWNET))
    if not network:
        _start_loopback()
    files = view.build(seen)
    with contextlib.suppress(OSError):  # a kernel without keys has none to hide
        _clear_keys(user)
    if user:
        call("unshare", _NEWUSER)
        _map_ids(own, uid, gid)
    os.close(own)
    _drop_privileges()
    return files


def _start_loopback() -> None:
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        set_flags, up = 0x8914, 1
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up))


def _clear_keys(user: bool) -> None:
    join_session, clear, user_keys = 1, 7, -4
    system_call("keyctl", join_session, None)
    if not user:
        system_call("keyctl", clear, user_keys)


def _drop_privileges() -> None:
    """Give up every capability, also for programs that are executed later."""
    drop_bound, ambient, clear_all = 24, 47, 4
    with contextlib.suppress(OSError):  # past the last capability
        for number in range(64):
            prctl(drop_bound, number)
    prctl(ambient, clear_all)
    version = 0x20080522
    call("capset", struct.pack("II", version, 0), bytes(24))
    no_new_privileges = 38
    prctl(no_new_privileges, 1)


# Landlock --------------------------------------------------------------------------------------------------

_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_FILE_RIGHTS = 0b1100_0000_0000_0111
"""Execute, write, read, truncate and control devices: what can be granted of a single file."""
_RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
_LOOK = _EXECUTE | _READ | _LIST


@cache
def landlock_version() -> int:
    """Return the version of Landlock that the kernel offers; 0 for none."""
    if sys.platform != "linux":
        return 0
    try:
        return max(0, system_call("landlock_create_ruleset", None, 0, 1))
    except OSError:
        return 0


def confine(seen: View, folder: str, network: bool) -> None:
    """Refuse this process to open files but those that it is to see, and the network, by Landlock."""
    version = landlock_version()
    files = (1 << _RIGHTS_BY_VERSION.get(version, 16)) - 1
    ports = 0b11 if version >= 4 and not network else 0
    scopes = 0b11 if version >= 6 else 0  # abstract sockets and signals
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = system_call("landlock_create_ruleset", struct.pack("QQQ", files, ports, scopes), size, 0)
    for path in (*seen.shown, *seen.allowed, "/proc", "/dev"):
        for part, rights in _around(path, seen.hidden if path not in seen.allowed else ()):
            _grant(rules, part, rights)
    names = view.DEVICES + (view.CARDS if seen.cards else ())
    devices = [f"/dev/{name}" for name in os.listdir("/dev") if name.startswith(names)]
    for path in (folder, "/dev/shm", *devices):
        _grant(rules, path, files)
    _drop_privileges()
    if not network:
        _filter_calls()
    system_call("landlock_restrict_self", rules, 0)
    os.close(rules)


def _around(path: str, hidden: Iterable[str]) -> list[tuple[str, int]]:
    """Return what may be read below a path, as parts that hold nothing hidden, and each with which rights."""
    real = os.path.realpath(path)
    inside = [one for one in hidden if Path(one).is_relative_to(real)]
    if not inside:
        return [(real, _LOOK)]
    if real in inside or not os.path.isdir(real):
        return []
    below = [part for name in os.listdir(real) for part in _around(os.path.join(real, name), inside)]
    return [(real, _LIST), *below]  # names can be listed, for modules are found by them


def _grant(rules: int, path: str, rights: int) -> None:
    with contextlib.suppress(OSError):  # what is not there need not be granted
        place = os.open(path, os.O_PATH)
        granted = rights if os.path.isdir(path) else rights & _FILE_RIGHTS
        try:
            system_call("landlock_add_rule", rules, 1, struct.pack("=Qi", granted, place), 0)
        finally:
            os.close(place)


_REFUSED_CALLS = {
    "x86_64": (0xC000003E, 41, (425, 29, 64, 68, 248, 249, 250)),
    "aarch64": (0xC00000B7, 198, (425, 194, 190, 186, 217, 218, 219)),
}
"""By machine: its mark, socket(), and io_uring_setup, shmget, semget, msgget and those on keys."""


def _filter_calls() -> None:
    """Let seccomp refuse sockets but Unix ones, io_uring, which opens them too, and System V's memory."""
    known = _REFUSED_CALLS.get(platform.machine())
    if known is None:
        return
    mark, socket_number, others = known
    load, equal, at_least, leave = 0x20, 0x15, 0x35, 0x06
    allow, refuse = 0x7FFF0000, 0x00050001  # EPERM
    end = len(others) + 6
    steps = [
        (load, 0, 0, 4), (equal, 0, end, mark), (load, 0, 0, 0), (at_least, end - 2, 0, 0x40000000),
        *((equal, end - 3 - place, 0, number) for place, number in enumerate(others)),
        (equal, 0, 2, socket_number), (load, 0, 0, 16), (equal, 0, 1, 1),
    ]  # fmt: skip
    steps += [(leave, 0, 0, allow), (leave, 0, 0, refuse)]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    kept = ctypes.create_string_buffer(code)
    set_filter, filter_mode = 22, 2
    prctl(set_filter, filter_mode, struct.pack("HxxxxxxP", len(steps), ctypes.addressof(kept)))
