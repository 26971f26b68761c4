"""Draw and measure the candidates that diverse-v1 was chosen from: `make diverse-candidates`.

Each scenario beside the suite, in `candidates`, draws a suite of about 260 instances. What
`diverse-candidates.csv` holds of them already is not measured again.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mincache.analysis.selection import measure
from mincache.generation.recipes import Recipe
from mincache.generation.suite_writing import generate
from mincache.generation.suites import Suite
from mincache.generation.sweeps import read_scenario

SCENARIOS = Path(__file__).parents[2] / "instances" / "diverse-v1" / "candidates"
DATA = Path(__file__).parent / "diverse-candidates.csv"
SOLVERS = ("popular-first", "density-greedy", "local-search")
USERS = (6, 12, 20)
A_SCENARIO = 260


def main(folder: Path, workers: int, share: float) -> None:
    """Draw the candidates into a folder, and measure them; a share below 1 draws as much less."""
    suites = []
    for seed, file in enumerate(sorted(SCENARIOS.glob("*.toml")), 1):
        source = read_scenario(file)
        settings = 1 if source.sweep is None else source.sweep.setting_count
        libraries = round(share * A_SCENARIO / settings / len(USERS))
        recipe = Recipe(
            library_seed=seed, trace_seed=seed, libraries=max(1, libraries), users=USERS, traces=1,
            sweep=source.sweep,
        )  # fmt: skip
        here = folder / source.name
        if not (here / "suite.toml").is_file():
            print(generate(here, source.name, recipe, source.scenario, kept="drawn"))
        suites.append(Suite(here))
    file = DATA if share == 1.0 else folder / "candidates.csv"
    done = list(measure(suites, file, SOLVERS, workers=workers))
    print(f"{done[-1]} candidates measured")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 1.0)
