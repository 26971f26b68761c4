"""What the layout promises: imports run one way, the core is light, one place prices, all is documented."""

import ast
import importlib
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from layout import ROOMS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mincache"
HEAVY = {
    "pyomo",
    "highspy",
    "pyscipopt",
    "pymoo",
    "torch",
    "gymnasium",
    "altair",
    "dask",
    "distributed",
    "numba",
    "scipy",
}

MODULES = sorted(PACKAGE.rglob("*.py"))
SOLVERS = sorted((ROOT / "solvers").glob("*.py"))


def name_of(path: Path) -> str:
    """Return the dotted name of a module of mincache."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file, parsed once for all tests."""
    return ast.parse(path.read_text())


@cache
def imports_of(path: Path) -> set[str]:
    """Return every module that a file imports anywhere, lazily and for types too, by its full name."""
    found = set()
    package = name_of(path) if path.stem == "__init__" else name_of(path).rpartition(".")[0]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*up, *([node.module] if node.module else [])])
            # `from package import module` imports the module, `from module import name` the module alone.
            found |= {
                f"{base}.{alias.name}" if f"{base}.{alias.name}" in NAMES else base for alias in node.names
            }
    return found


def part_of(module: str) -> str:
    """Return the module or package of mincache that this is in, such as `bench` of `mincache.bench.plan`."""
    return module.split(".")[1] if "." in module else ""


def test_the_rooms_are_those_listed():
    """At the top of the package stand the rooms, `errors.py` and what Python asks for, and nothing else."""
    top = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert top == {*ROOMS[1:], "errors.py", "__init__.py", "__main__.py", "py.typed"}


@pytest.mark.parametrize("path", [p for p in MODULES if part_of(name_of(p)) in ROOMS], ids=name_of)
def test_no_room_imports_upwards(path):
    """A module imports its own room or those before it, never one above."""
    own = ROOMS.index(part_of(name_of(path)))
    inside = {part_of(module) for module in imports_of(path) if module.startswith("mincache.")} & set(ROOMS)
    assert not {room for room in inside if ROOMS.index(room) > own}


def test_no_two_files_share_a_name():
    """A file's name tells which one is meant, in whatever room it stands."""
    names = Counter(path.name for path in MODULES + SOLVERS if not path.name.startswith("__"))
    assert not [name for name, count in names.items() if count > 1]


def test_no_module_imports_itself_in_a_circle():
    """Following imports never leads back to where one began."""
    graph = {
        name_of(path): {m for m in imports_of(path) if m in NAMES and m not in ("mincache", name_of(path))}
        for path in MODULES
        if path.stem != "__init__"
    }
    done: set[str] = set()

    def follow(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in graph.get(name, ()):
                follow(other, (*trail, name))
            done.add(name)

    for name in graph:
        follow(name, ())


@pytest.mark.parametrize("path", MODULES + SOLVERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_imports_a_solver_by_name(path):
    """Solvers are reached through the registry, also by each other."""
    assert not {m for m in imports_of(path) if m.startswith(("mincache.solvers", "solvers"))}
    text = [node.value for node in ast.walk(tree_of(path)) if isinstance(node, ast.Constant)]
    spelled = [value for value in text if isinstance(value, str) and value.startswith("mincache.solvers.")]
    assert not spelled


@pytest.mark.parametrize("path", SOLVERS, ids=lambda path: path.stem)
def test_solvers_stand_on_the_core_alone(path):
    """A solver imports neither bench nor board nor command line."""
    parts = {part_of(module) for module in imports_of(path) if module.startswith("mincache.")} - {""}
    assert not parts & {"analysis", "judging", "bench", "board", "site", "paper", "cli"}


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that running `code` in a fresh process loads."""
    report = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    out = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True
    ).stdout
    return set(json.loads(out.splitlines()[-1]))


RUN_HELP = """
import contextlib, io, sys
sys.argv = {argv}
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    from mincache.cli.main import main
    main()
"""


def test_import_is_light():
    """`import mincache` loads not even numpy; its public names load numpy, and nothing heavy."""
    assert not loaded_by("import mincache") & (HEAVY | {"numpy", "pydantic", "click", "rich"})
    everything = loaded_by("import mincache; [getattr(mincache, name) for name in mincache.__all__]")
    assert "numpy" in everything
    assert not everything & HEAVY


@pytest.mark.parametrize(
    "argv", [["mincache", "--help"], ["mincache", "--version"], ["mincache"], ["mincache", "scor"]], ids=str
)
def test_help_is_light(argv):
    """`mincache --help` and its like load nothing heavy, not even numpy."""
    assert not loaded_by(RUN_HELP.format(argv=argv)) & (HEAVY | {"numpy"})


@pytest.mark.parametrize(
    "verb", ["run", "score", "instances", "solvers", "leaderboard", "generate", "schema", "train", "solve"]
)
def test_help_of_a_verb_is_light(verb):
    """So does the help of each verb."""
    assert not loaded_by(RUN_HELP.format(argv=["mincache", verb, "--help"])) & HEAVY


def test_a_campaign_begins_light():
    """Neither `mincache run` nor the process that keeps its runs loads what only tables need."""
    assert not loaded_by("import mincache.cli.run, mincache.bench.keeper") & (HEAVY | {"pandas"})


def test_public_names():
    """The package's list of names, its homes and what they give agree, and unknown names are refused."""
    import mincache

    assert set(mincache.__all__) == set(mincache._HOMES)
    for name in mincache.__all__:
        assert getattr(mincache, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mincache.nothing  # noqa: B018  # looking it up is the test


# One place prices


def calls_of(path: Path) -> set[str]:
    """Return the names that a file calls, without what stands before their last dot."""
    called = [node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    return {
        f.attr if isinstance(f, ast.Attribute) else f.id
        for f in called
        if isinstance(f, ast.Attribute | ast.Name)
    }


MAY_MODEL_THE_COST = {
    "mincache.exact",
    "mincache.algebra",
    "mincache.paper",
    "mincache.certificate",
}
"""What states the problem in other terms needs equation (10) for it; none of it judges an answer."""


@pytest.mark.parametrize(
    "path", [p for p in MODULES if name_of(p) != "mincache.problem.evaluation"], ids=name_of
)
def test_the_evaluator_alone_prices(path):
    """No other module makes an evaluation, or applies (10) but to model the problem for a solver."""
    assert not calls_of(path) & {"Evaluation", "BatchEvaluation"}
    if ".".join(name_of(path).split(".")[:2]) not in MAY_MODEL_THE_COST:
        text = path.read_text()
        assert "equations.cost" not in text
        assert "import cost" not in text


def test_formulas_stand_in_one_place():
    """Outside of the equations nobody weighs delay against total variation."""
    for path in (path for path in MODULES + SOLVERS if "preference_weight" in path.read_text()):
        tree = tree_of(path)
        minus = [n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub)]
        complements = [ast.unparse(n) for n in minus if ast.unparse(n.right).endswith("preference_weight")]
        allowed = path.name in ("equations.py", "conformance.py") or "certificate" in path.parts
        assert allowed or not complements, (path, complements)


def test_conversions_stand_in_one_place():
    """Factors of megabytes and megahertz appear in the unit module alone."""
    for path in MODULES + SOLVERS:
        numbers = {n.value for n in ast.walk(tree_of(path)) if isinstance(n, ast.Constant)}
        assert path.name == "units.py" or 8e6 not in {n for n in numbers if isinstance(n, float)}, path


# Documentation and shape


def public_definitions(tree: ast.AST, prefix: str = ""):
    """Yield the name and node of every public class, function and method."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node, f"{prefix}{node.name}.")


@pytest.mark.parametrize("path", MODULES + SOLVERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_public_name_is_documented(path):
    """Each module, and each public class, function and method in it, has a docstring."""
    tree = tree_of(path)
    assert ast.get_docstring(tree), path
    missing = [name for name, node in public_definitions(tree) if not ast.get_docstring(node)]
    assert not missing


def test_no_two_public_classes_share_a_name():
    """A public type's name means one thing in the whole package."""
    found: dict[str, list[str]] = {}
    for path in MODULES + SOLVERS:
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(str(path))
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name[0].isupper() and not name.isupper():  # an alias of a type
                    found.setdefault(name, []).append(str(path))
    assert not {name: places for name, places in found.items() if len(places) > 1}


def test_only_the_command_line_prints():
    """No module but those of the command line calls print."""
    printing = [
        name_of(path) for path in MODULES if "print" in calls_of(path) and ".cli" not in name_of(path)
    ]
    assert not printing


def test_nothing_unsafe_is_called():
    """Nothing unpickles, evaluates text or loads a torch file."""
    for path in MODULES + SOLVERS:
        tree = tree_of(path)
        called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        unsafe = {
            "eval",
            "exec",
            "pickle.load",
            "pickle.loads",
            "torch.load",
            "yaml.load",
            "os.system",
            "marshal.loads",
        }
        assert not unsafe & set(called), path
        assert not {"pickle", "marshal", "shelve", "dill", "cloudpickle"} & imports_of(path), path


def test_modules_are_short():
    """Half of the modules hold at most 145 lines, and none many more than 300 but the program of its own."""
    modules = [path for path in MODULES + SOLVERS if path.name != "check_certificate.py"]
    lengths = sorted(len(path.read_text().splitlines()) for path in modules)
    assert lengths[len(lengths) // 2] <= 145
    assert lengths[-1] <= 360


def test_scripts_that_no_test_runs_import_what_is_there():
    """Benchmarks, figures, examples and scripts of the tests import names that the package has."""
    scripts = [*ROOT.glob("docs/figures/*.py"), *ROOT.glob("examples/**/*.py"), *ROOT.glob("tests/**/*.py")]
    for path in scripts:
        for node in ast.walk(tree_of(path)):
            if not isinstance(node, ast.ImportFrom) or not str(node.module).startswith("mincache"):
                continue
            module = importlib.import_module(str(node.module))
            for alias in node.names:
                is_there = hasattr(module, alias.name) or importlib.util.find_spec(
                    f"{node.module}.{alias.name}"
                )
                assert is_there, f"{path}: {node.module}.{alias.name}"
