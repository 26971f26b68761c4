"""Running again whenever a file changes."""

import re
import signal
import subprocess
import sys

from bench_fixture import tiny_suite

SOLVER = """
from dataclasses import dataclass
from mincache import Solution, Solver
from mincache.solving import greedy


@dataclass(frozen=True)
class Mine(Solver):
    def solve(self, instance, run):
        return {}
"""
CLOUD, DENSE = (
    "Solution.nothing_cached(instance)",
    "greedy.answer(instance, greedy.cache_by_density(instance))",
)


def test_a_change_runs_again_and_tells_what_moved(tmp_path):
    """Better runs are listed with both costs; a file that cannot be loaded is a line, and is waited for."""
    suite, path = tiny_suite(tmp_path / "tiny").folder, tmp_path / "mine.py"
    path.write_text(SOLVER.format(CLOUD))
    command = [
        sys.executable, "-m", "mincache", "run", suite, "--instances", "*.t0", "--solver", f"{path}:Mine",
        "--watch", path, "--time-limit", "30", "-o", tmp_path / "results",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:

        def printed():
            """What it prints until it waits."""
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("waiting for mine.py"):
                    return "".join(lines)
            raise AssertionError("".join(lines))

        assert "mine.py:Mine: 1 runs" in printed()
        path.write_text(SOLVER.format(DENSE))
        moved = printed()
        assert re.search(r"tiny\.l0\.n3\.t0 #0 +[0-9.]+ +[0-9.]+ +-[0-9.]+%", moved)
        assert "1 better, 0 worse than before" in moved
        path.write_text(SOLVER.format("1 +"))
        assert "mine.py" in printed()
        path.write_text(SOLVER.format(CLOUD))
        assert "0 better, 1 worse than before" in printed()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
