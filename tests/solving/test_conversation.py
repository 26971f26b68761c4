"""Programs that decide slot by slot: what they are told when, and what becomes of cheats and failures."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bench_fixture import on_linux
from click.testing import CliRunner

import mincache
from mincache import InputError, OnlinePolicy, OnlineSolver, Run
from mincache.cli.run import run
from mincache.judging import journal
from mincache.solving import registry

SMOKE = mincache.load("smoke-v1.l0.n10.t0")
EXAMPLE = Path(__file__).parents[2] / "examples" / "external" / "last_slot.cpp"
START = """
import json, sys, time
def write(one):
    print(one if isinstance(one, str) else json.dumps(one), flush=True)
def read():
    return json.loads(sys.stdin.readline())
site = read()
T, M, N = site["slots"], len(site["models"]["size_gb"]), len(site["radio"]["user_power_w"])
cache = {"cache": [0] * M}
"""
HONEST = "for t in range(T):\n    write(cache); read(); write('null')\n"


class Again(OnlinePolicy):
    """Cache what was asked for in the slot before, smallest models first."""

    wanted = ()

    def observe(self, slot):
        """Remember what is asked for."""
        self.wanted = np.unique(slot.requested_model)

    def place(self):
        """Return the cache."""
        size, cache = self.site.models.size_gb, np.zeros(self.site.model_count)
        for m in sorted(self.wanted, key=size.item):
            cache[m] = cache @ size + size[m] <= self.site.server.storage_gb
        return cache


@dataclass(frozen=True)
class LastSlot(OnlineSolver):
    """The example in Python."""

    def begin(self, site, run):
        """Return the policy."""
        return Again(site)


@pytest.fixture
def program(tmp_path):
    """Write a program that begins as `START`, and return the specification of the solver that runs it."""

    def written(body, information="past", **parameters):
        path = tmp_path / "speaks.py"
        path.write_text(START + body)
        more = "".join(f",{name}={value}" for name, value in parameters.items())
        return f'external[command="{sys.executable} {path}",information={information}{more}]'

    return written


def solved(spec, seconds=20.0, instance=SMOKE):
    """What a solver answers outside the bench."""
    return registry.make(spec).solve(instance, Run.seeded(0, seconds))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The example in C++, built."""
    if shutil.which("g++") is None or not Path("/usr/include/nlohmann/json.hpp").is_file():
        pytest.skip("there is no g++ with nlohmann/json")
    built = tmp_path_factory.mktemp("built") / "last_slot"
    subprocess.run(["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-o", built, EXAMPLE], check=True)
    return f'external[command="{built}",information=past,deterministic=true]'


def test_the_example_is_the_same_policy_in_another_language(compiled):
    """The program in C++ answers as the policy of docs/online.md does."""
    assert solved(compiled) == LastSlot().solve(SMOKE, Run.seeded(0))


@on_linux
def test_the_bench_holds_a_program_to_its_level(compiled, tmp_path):
    """A run in the bench is verified at level `past`, and costs what `solve` says."""
    args = ["smoke-v1", "--instances", SMOKE.name, "--solver", compiled, "-o", str(tmp_path / "results")]
    done = CliRunner().invoke(run, args)
    assert done.exit_code == 0, done.output
    (record,) = journal.read(tmp_path / "results")
    expected = mincache.evaluate(SMOKE, LastSlot().solve(SMOKE, Run.seeded(0))).cost
    assert (record.verdict, record.score.cost) == ("verified", pytest.approx(expected, rel=1e-12))


def test_a_program_may_share_out_itself(program):
    """Shares that a program writes are the answer's; with `null` they are the best."""
    equal = {"bandwidth_share": [0.1] * 10, "step_share": [0.0] * 10}
    own = solved(program(f"for t in range(T):\n    write(cache); read(); write({equal!r})"))
    assert (own.bandwidth_share == 0.1).all()
    best = solved(program(HONEST))
    assert mincache.evaluate(SMOKE, best).cost < mincache.evaluate(SMOKE, own).cost


def test_the_level_slot_is_shown_first(program):
    """At the level `slot` a program sees a slot, then writes its cache, then its shares."""
    body = (
        "for t in range(T):\n    slot = read(); assert slot['slot'] == t\n"
        "    write({'cache': [int(m == slot['requested_model'][0]) for m in range(M)]}); write('null')"
    )
    found = solved(program(body, "slot"))
    assert (found.cache.argmax(axis=1) == SMOKE.trace.requested_model[:, 0]).all()


def test_the_site_tells_nothing_of_the_trace(program, tmp_path):
    """The first line has the server, models, users and slots, and neither trace nor origin nor name."""
    kept = tmp_path / "site.json"
    solved(program(f"json.dump(site, open({str(kept)!r}, 'w'))\n{HONEST}"))
    site = json.loads(kept.read_text())
    assert site["format"] == "mincache-site/1"
    assert (site["slots"], site["information"]) == (SMOKE.slot_count, "past")
    assert site["models"]["size_gb"] == SMOKE.models.size_gb.tolist()
    assert np.array(site["popularity"]["transition"]).sum(axis=1) == pytest.approx(1.0)
    assert not site.keys() & {"trace", "name", "origin"}


def test_a_frame_has_one_cache(program):
    """With frames of several slots, a program writes one cache a frame."""
    scenario = mincache.Scenario(users=3, models=4, slots=5, frame_slots=2)
    instance = scenario.instance("framed", scenario.library(0), scenario.trace(0, "training", 0))
    body = "for t in range(T):\n    if t % 2 == 0:\n        write(cache)\n    read(); write('null')"
    assert not solved(program(body, rules="frame_slots"), instance=instance).cache.any()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("write('{')", "must write JSON"),
        ("write('[1]')", "external"),
        ("write({'caches': [0] * M})", "must be an object with cache"),
        ("write({'cache': [0] * (M - 1)})", "must write cache as 10 numbers"),
        ("write({'cache': ['a'] * M})", "must write cache as 10 numbers"),
        ("write('{\"cache\": [NaN]}')", "must write JSON"),
        ("write({'cache': [0.5] * M}); read(); write('null'); time.sleep(2)", "numbers, 0 or 1"),
        ("pass", "must write a line for slot 0"),
        ("sys.exit(3)", "exit status 3"),
        ("write(cache); read(); sys.exit(4)", "exit status 4"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9"),
        ("print('x' * 2000000, flush=True); time.sleep(2)", "at most 1048576 bytes"),
        ("write(json.dumps(cache) + '\\nnull'); time.sleep(2)", "before the slot was shown"),
        (
            "write(cache); read(); write(cache)",
            "must be an object with bandwidth_share and step_share or null",
        ),
        (HONEST + "write(cache)", "nothing after its last slot"),
        (HONEST + "sys.exit(5)", "exit status 5"),
        ("write(cache); read(); write({'bandwidth_share': [1e999], 'step_share': []})", "must write JSON"),
    ],
)
def test_what_breaks_the_rules_is_told_in_a_line(program, body, words):
    """Bad lines, lines out of turn, too long ones and early ends are each one clear error."""
    with pytest.raises(InputError) as raised:
        solved(program(body))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "body", ["time.sleep(60)", HONEST + "time.sleep(60)", HONEST + "sys.stdout.close(); time.sleep(60)"]
)
def test_a_program_that_hangs_is_ended_in_time(program, body):
    """One that does not write, or does not end, is stopped before the limit."""
    one = Run.seeded(0, 1.5)
    with pytest.raises(InputError, match=r"in time|went on"):
        registry.make(program(body)).solve(SMOKE, one)
    assert one.remaining() > 0.0


@pytest.mark.parametrize("place", ["{instance}", "{solution}"])
def test_there_are_no_files_beside_lines(place):
    """A program that is spoken with has no files to be named."""
    with pytest.raises(InputError, match="must not name"):
        registry.make(f'external[command="cat {place}",information=past]')


def test_an_unknown_level_is_refused():
    """In one line."""
    with pytest.raises(InputError, match="information"):
        registry.make("external[command=cat,information=future]")
