"""A pseudo-terminal for commands that behave otherwise in one."""

import os
import pty
import subprocess
import sys
import termios


def in_a_terminal(*arguments: str, columns: int = 80) -> tuple[str, str]:
    """Return what a run of Python shows on standard error in a terminal, and prints to standard output."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (50, columns))
    sizes = ("COLUMNS", "LINES")  # those of whoever runs the tests
    inherited = {name: value for name, value in os.environ.items() if name not in sizes}
    done = subprocess.run(
        [sys.executable, *arguments],
        stderr=follower,
        stdout=subprocess.PIPE,
        env=inherited | {"TERM": "xterm"},
        text=True,
        check=True,
    )
    os.close(follower)
    shown = os.read(leader, 1 << 16).decode()
    os.close(leader)
    return shown, done.stdout
