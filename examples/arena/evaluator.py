"""What OpenEvolve calls on each program: the judge's score on the suite for development, higher is better."""

import json
import subprocess
from pathlib import Path
from typing import Any

SUITE = Path(__file__).resolve().parent / "task" / "development"


def judge(program: str) -> dict[str, Any]:
    """Return what `mincache judge` says of the class `Entry` in a file."""
    words = ("mincache", "judge", f"{program}:Entry", "--suite", str(SUITE), "--time-limit", "5", "--json")
    told: dict[str, Any] = json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout)
    return told


def evaluate(program_path: str) -> dict[str, float]:
    """Return the metrics of a program; one that fails is worth less than any that answers."""
    told = judge(program_path)
    score = -told["score"] if told["passed"] else -10.0
    return {"combined_score": score, "passed": float(told["passed"])}
