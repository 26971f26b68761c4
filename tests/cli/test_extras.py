"""Each verb with each extra hidden: it works, or says in one sentence what to install."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files

import pytest

MODULES = {
    "pyomo": ["pyomo", "highspy", "pyscipopt"],
    "genetic": ["pymoo"],
    "ddpg": ["torch", "gymnasium"],
    "board": ["jinja2", "altair", "vl_convert"],
    "dask": ["distributed", "dask"],
    "compiled": ["numba"],
    "tune": ["optuna"],
    "certify": ["mpmath", "sympy"],  # sympy cannot do without mpmath
}
"""What each extra installs."""

CERTIFICATE = files("mincache.instances") / "smoke-v1/certificates/smoke-v1.l0.n10.t0.json.gz"

VERBS = {
    "run smoke-v1 --solver cloud-only --dry-run -o r": "",
    "run smoke-v1 --solver cloud-only --executor dask --scheduler tcp://127.0.0.1:9 --dry-run -o r": "dask",
    "status none": "",
    "merge none -o m": "",
    "leaderboard none": "",
    "leaderboard chart none -o c.svg": "board",
    "leaderboard build none": "board",
    "leaderboard rebuild none": "",
    "compare none": "",
    "compare none none --chart c.svg": "board",
    "reproduce fig6": "",
    "score smoke-v1.l0.n10.t0 none.json": "",
    "explain smoke-v1.l0.n10.t0 none.json": "",
    "explain smoke-v1.l0.n10.t0 none.json -o c.svg": "board",
    "instances verify smoke-v1": "",
    "leaderboard publish none --author A -o b": "",
    "instances": "",
    "instances smoke-v1": "",
    "instances smoke-v1.l0.n10.t0": "",
    "instances features none -o c.svg": "board",
    "instances select none -n 1 --measured m.csv --picture c.svg -o chosen": "board",
    "generate --users 2 --seed 1 -o suite": "",
    "generate --preview --picture c.svg": "board",
    "generate --separate lfu,lru --budget 5 --seed 1 --users 2 --time-limit 0.1 -o apart": "",
    "solvers": "",
    "solvers new my-solver": "",
    "train ddpg --suite smoke-v1 --users 10 --library 0 --episodes 20": "ddpg",
    "train lru --suite smoke-v1 --users 10 --library 0": "",
    "tune cloud-only --on smoke-v1 -o tuned": "tune",
    "certify smoke-v1.l0.n10.t0 -o proof.json": "certify",
    f"certify --check smoke-v1.l0.n10.t0 {CERTIFICATE}": "certify",
    "export smoke-v1.l0.n10.t0 --format lp -o model": "pyomo",
    "import none none.sol": "",
    "schema symbols": "",
    "completion bash": "",
}
"""Commands, and the extra that each may ask for."""

DRIVER = """
import contextlib, io, json, os, shlex, sys, traceback
import mincache.bench.campaign, mincache.cli.leaderboard, mincache.cli.run, mincache.cli.summary
from mincache.cli.main import main
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])
for extra, (hidden, lines) in json.load(sys.stdin).items():
    if os.fork():
        os.wait()
        continue
    assert not {name.partition(".")[0] for name in sys.modules} & set(hidden)
    sys.meta_path.insert(0, Hidden())
    os.mkdir(extra)
    os.chdir(extra)
    for line in lines:
        sys.argv = ["mincache", *shlex.split(line)]
        told, code = io.StringIO(), None
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
            try:
                main()
            except SystemExit as end:
                code = end.code or 0
            except BaseException:
                traceback.print_exc()
        print(json.dumps([extra, line, code, told.getvalue()]), flush=True)
    os._exit(0)
"""
"""Runs the command lines of each extra in a fork, in which the extra's modules cannot be imported."""


EVERYTHING = "everything"
"""All extras are hidden: what works then works without any one of them."""

ASKED = {EVERYTHING: ([one for hidden in MODULES.values() for one in hidden], list(VERBS))} | {
    extra: (hidden, [line for line, needed in VERBS.items() if needed == extra])
    for extra, hidden in MODULES.items()
    if extra in VERBS.values()
}
"""What is hidden, and the commands that are tried then."""


@pytest.fixture(scope="module")
def told_without(tmp_path_factory):
    """Rows of what is hidden, a command, its exit code, and what it says on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER], input=json.dumps(ASKED), cwd=tmp_path_factory.mktemp("extras"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stderr)
    return list(map(json.loads, done.stdout.splitlines()))


@pytest.mark.parametrize("extra", ASKED)
def test_a_missing_extra_is_one_sentence(extra, told_without):
    """No verb ends in a traceback without an extra; one that needs it names the command that installs it."""
    rows = [row[1:] for row in told_without if row[0] == extra]
    assert [row[0] for row in rows] == ASKED[extra][1]
    for line, code, told in rows:
        assert code in (0, 1, 2), f"{line}: {told}"
        if code == 2:
            assert len(told.splitlines()) == 1, told
            assert told.startswith("error: ")
        assert ("pip install" in told) == bool(VERBS[line]), told
        if VERBS[line]:
            assert code == 2, line
            assert f"pip install 'mincache[{VERBS[line]}]'" in told
