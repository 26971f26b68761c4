import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from mincache import evaluate
from mincache.exact import improvements, loops
from mincache.generation.scenario import Scenario
from mincache.problem.instance import Rules

PLAIN = """
def square(x):
    return x * x

def sum_of_squares(n):
    total = 0
    for i in range(n):
        total += square(i)
    return total
"""


@pytest.fixture
def plain(tmp_path: Path) -> ModuleType:
    """A module of plain loops in a folder of its own."""
    path = tmp_path / "plain_loops.py"
    path.write_text(PLAIN)
    spec = spec_from_file_location("plain_loops", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_compiled_copy_gives_the_same_and_leaves_the_module_plain(plain: ModuleType) -> None:
    """The copy's functions are numba's, call each other, and the module's own stay Python's."""
    copy = loops.compiled_copy(plain)
    assert copy.sum_of_squares(1000) == plain.sum_of_squares(1000) == 332833500
    assert copy.sum_of_squares.signatures
    assert not hasattr(plain.sum_of_squares, "signatures")


def test_what_was_compiled_is_found_by_the_next_process(tmp_path: Path) -> None:
    """A second process loads from NUMBA_CACHE_DIR what the first compiled."""
    (tmp_path / "plain_loops.py").write_text(PLAIN)
    program = """
        import plain_loops
        from mincache.exact import loops
        copy = loops.compiled_copy(plain_loops)
        copy.sum_of_squares(10)
        print(sum(copy.sum_of_squares.stats.cache_hits.values()))
    """
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    hits = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert [int(count) for count in hits] == [0, 1]


def test_without_any_folder_for_the_cache_it_compiles_all_the_same(tmp_path: Path) -> None:
    """Where neither the source's folder, nor a home, nor NUMBA_CACHE_DIR can hold a cache, nothing breaks."""
    (tmp_path / "plain_loops.py").write_text(PLAIN)
    # A file in the place of the folder can hold nothing, even for root.
    (tmp_path / "__pycache__").write_text("")
    home = tmp_path / "home"
    home.write_text("")
    program = """
        import plain_loops
        from mincache.exact import loops
        print(loops.compiled_copy(plain_loops).sum_of_squares(4))
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA", "XDG"))}
    environment = kept | {"HOME": str(home), "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "14\n"


WITHOUT_NUMBA = """
    import sys
    sys.modules["numba"] = None
    from mincache import MincacheError, Run, evaluate
    from mincache.solving import registry
    from mincache.generation.scenario import Scenario
    scenario = Scenario(users=6, slots=5)
    instance = scenario.instance("drawn", scenario.library(1), scenario.trace(1))
    run = Run.seeded(0)
    solution = registry.make("decomposition").solve(instance, run)
    print(evaluate(instance, solution).cost / run.bound - 1 < 1e-9)
    try:
        registry.make("decomposition[compiled=true]")
    except MincacheError as error:
        print(error)
"""


def test_without_numba_plain_loops_do_it() -> None:
    """The answer is as exact; asking for compiled loops says in a line what to install."""
    command = [sys.executable, "-c", textwrap.dedent(WITHOUT_NUMBA)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (
        done.stdout
        == "True\ncompiled loops need numba, which is not installed: pip install 'mincache[compiled]'\n"
    )


def test_importing_the_solver_does_not_import_numba() -> None:
    """A process that solves one ordinary instance never loads numba, which takes longer than solving."""
    program = (
        "import sys, mincache.solving.registry as r; r.make('decomposition'); print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_compiled_and_plain_loops_give_the_same_bytes() -> None:
    """Decisions and bound do not depend on which form of the loops ran."""
    scenario = Scenario(users=12, slots=8)
    instance = scenario.instance("drawn", scenario.library(2), scenario.trace(2))
    plain, compiled = (list(improvements(instance, compiled=choice))[-1] for choice in (False, True))
    assert plain.solution == compiled.solution
    assert plain.bound == compiled.bound
    assert evaluate(instance, plain.solution).feasible


@pytest.mark.parametrize("rules", [Rules(3, 0.0, 0.2), Rules(2, 0.5, 0.1)], ids=str)
def test_compiled_and_plain_loops_give_the_same_bytes_under_rules(rules: Rules) -> None:
    """With frames, a floor and loading the form of the loops does not matter either."""
    scenario = Scenario(users=12, slots=8)
    instance = replace(scenario.instance("drawn", scenario.library(2), scenario.trace(2)), rules=rules)
    plain, compiled = (list(improvements(instance, compiled=choice))[-1] for choice in (False, True))
    assert plain.solution == compiled.solution
    assert plain.bound == compiled.bound
    assert evaluate(instance, plain.solution).feasible


def test_small_work_stays_plain_and_large_work_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default changes over to compiled loops at once for a large piece of work."""
    monkeypatch.setattr(loops, "_plain_s", [0.0])  # whatever else this process has searched
    assert not hasattr(loops.choose_loops("search_frames", 1), "signatures")
    assert hasattr(loops.choose_loops("search_frames", 1e9), "signatures")


def test_with_little_time_nothing_is_compiled_for_the_first_time(tmp_path: Path) -> None:
    """A large search under a short limit runs in plain loops until a cache of compiled ones is found."""
    (tmp_path / "plain_loops.py").write_text(PLAIN)
    program = """
        import plain_loops
        from mincache.exact import loops
        loops._MODULES["sum_of_squares"] = (plain_loops,)
        print(hasattr(loops.choose_loops("sum_of_squares", 1e9, remaining_s=5.0), "signatures"))
        loops.compiled_copy(plain_loops).sum_of_squares(10)
    """
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    chosen = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert chosen == ["False\n", "True\n"]


def test_loops_stay_plain_where_numba_is_told_not_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NUMBA_DISABLE_JIT a large piece of work is done in plain loops, whatever the time."""
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    for remaining_s in (1.0, float("inf")):
        assert not hasattr(loops.choose_loops("search_frames", 1e9, remaining_s=remaining_s), "signatures")
