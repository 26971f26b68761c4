"""A season from promise to verdict, on this machine: three honest entries, two cheats, one overfitted.

Run it in an empty folder: python season.py
"""

import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

from memorise import TABLE, key

from mincache import Solution, evaluate, solve, suite

HERE = Path(__file__).parent
HONEST = ("density-greedy", "popular-first", "local-search")
CHEATS = ("look_up.py:LookUp", "patch.py:Patch")
OVERFITTED = "memorise.py:Memorise"
DRAW = ("--users", "5", "--libraries", "6", "--traces", "1")


def call(*words: str, codes: tuple[int, ...] = (0,)) -> str:
    """Run a command of mincache, print it with what it says, and return its standard output."""
    print("\n$ mincache", *words, flush=True)
    done = subprocess.run(("mincache", *words), stdout=subprocess.PIPE, text=True)
    if done.returncode not in codes:
        sys.exit(f"exit code {done.returncode}")
    if "--json" not in words:
        print(done.stdout, end="", flush=True)
    return done.stdout


def fit_to_the_public() -> None:
    """Write the table of the overfitted entry: the optimal caches of every public instance."""
    optimal = {key(one): solve(one, "decomposition", seconds=60.0).solution.cache for one in suite("public")}
    TABLE.write_text(json.dumps({name: cache.tolist() for name, cache in optimal.items()}))


def main() -> None:
    """Play the season, and print a verdict on every entry."""
    call("generate", *DRAW, "--seed", "4", "-o", "public")
    call("instances", "reference", "public")
    fit_to_the_public()
    entries = [*HONEST, *(str(HERE / one) for one in (*CHEATS, OVERFITTED))]
    named = [word for one in entries for word in ("--solver", one)]
    limits = ("--seeds", "2", "--time-limit", "10")
    call("run", "public", *named, *limits, "-o", "public-results", codes=(0, 1))

    call("seal", "new", *DRAW, "-o", "season")
    call("seal", "freeze", "season", *named)
    call("seal", "reveal", "season", *limits, "-o", "opened", codes=(0, 1))
    call("seal", "verify", "season", "opened")
    call("instances", "reference", "opened/suite")
    files = [word for one in (*CHEATS, OVERFITTED) for word in ("--source", str(HERE / one.split(":")[0]))]
    given = (*files, "--author", "A. Name", "-o", "board")
    call("leaderboard", "publish", "public-results", "--suite", "public", *given)
    call("leaderboard", "publish", "opened/results", "--suite", "opened/suite", *given)
    call("leaderboard", "table", "board", "--suite", "season")
    shown = call("leaderboard", "table", "board", "--suite", "season", "--json")
    judged(json.loads(shown)["tables"][0]["rows"])


def judged(rows: list[dict[str, Any]]) -> None:
    """Print what the season says of each entry."""
    opened = suite("opened/suite")
    nothing = fmean(
        evaluate(one, Solution.nothing_cached(one)).cost / opened.references[one.name].cost - 1.0
        for one in opened
    )
    print(f"\n{'entry':24} public -> sealed rank   gap public -> sealed    verdict")
    for row in rows:
        verdict = "as good as on the public instances"
        if row["failures"]:
            kinds = (f"{count} runs {word}" for word, count in row["failures"].items())
            print(f"{row['solver']:75}{', '.join(kinds)}")
            continue
        if row["fitted"]:
            verdict = "fitted to the public instances"
        elif abs(row["gap"] - nothing) < 1e-9:
            verdict = "answers as if it cached nothing"
        print(f"{row['solver']:24} {row['public_rank']:6} -> {row['sealed_rank']:<12}"
              f"{row['public_gap']:12.2%} -> {row['sealed_gap']:<8.2%}    {verdict}")  # fmt: skip


if __name__ == "__main__":
    main()
