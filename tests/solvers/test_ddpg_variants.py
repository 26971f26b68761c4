"""Variants of DDPG: frozen sets of fields, which what is given overrides; one of them is for any problem."""

import re
import sys
from importlib.resources import files
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

import mincache
from mincache import InputError, Run, Scenario, evaluate
from mincache.exact import optimum
from mincache.files.documents import digest
from mincache.generation.recipes import Recipe
from mincache.generation.suite_writing import generate
from mincache.generation.suites import find, find_instance
from mincache.learning import policies
from mincache.learning.draws import Draws
from mincache.learning.training import TrainingRecord
from mincache.solving import registry
from mincache.solving.entrant import describe
from mincache.views.episodes import Episodes

VARIANTS = sys.modules[registry.load("ddpg").__module__].VARIANTS
TINY = "episodes=10,environments=5,hidden=8,warmup=10,updates=1,batch=8"
SMALL = Scenario(slots=4)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_its_fields(name):
    """A variant has the values that its table tells, and writing these out instead is the same training."""
    solver = registry.make(f"ddpg[variant={name}]")
    fields = VARIANTS[name]._asdict()
    assert {field: getattr(solver, field) for field in fields} == fields
    written = ",".join(f"{field}={value}" for field, value in fields.items())
    others = registry.parameters(registry.make(f"ddpg[{written}]"))
    assert others | {"variant": name} == registry.parameters(solver)
    assert solver.variant == name


def test_what_is_given_overrides_a_variant():
    """Also where it is what another variant, or no variant, would have said."""
    solver = registry.make("ddpg[variant=literal,discount=0,observation=counts]")
    assert (solver.observation, solver.action, solver.critic, solver.discount) == (
        "counts", "softmax", "plain", 0.0,
    )  # fmt: skip
    back = registry.make("ddpg[variant=myopic,discount=0.99]")
    assert back.training() == registry.make("ddpg").training()
    assert back.variant == "myopic"


@pytest.mark.parametrize(
    "spec", ["variant=sets", "variant=sets,discount=0.99", "variant=literal,observation=counts", "discount=0"]
)
def test_what_a_campaign_passes_on_is_the_same(spec):
    """The parameters that differ from their defaults, which children are told, make the same solver."""
    solver = registry.make(f"ddpg[{spec}]")
    told = registry.make(describe(f"ddpg[{spec}]").spec)
    assert registry.parameters(told) == registry.parameters(solver)


def test_the_default_is_matched():
    """Without a word it is `matched`, and finds its policies under either name; others have no policies."""
    assert registry.parameters(registry.make("ddpg")) == registry.parameters(
        registry.make("ddpg[variant=matched]")
    )
    instance = find_instance("smoke-v1.l0.n10.t0")
    assert registry.make("ddpg[variant=matched]").supports(instance) is None
    assert "trained with these parameters" in registry.make("ddpg[discount=0.5]").supports(instance)


def test_every_variant_is_named_and_explained():
    """The choices of the parameter, the table of values and that of the documentation agree."""
    page = (Path(__file__).parents[2] / "docs" / "learner.md").read_text()
    assert get_args(get_type_hints(registry.load("ddpg"))["variant"]) == tuple(VARIANTS)
    _, _, section = page.partition("## From the paper's agent to the best one")
    listed = re.findall(r"^\| `([a-z-]+)` \| ", section.partition("\n## ")[0], re.MULTILINE)
    assert tuple(listed) == tuple(VARIANTS)


@pytest.mark.parametrize(
    "wrong", ["variant=x", "variant=sets,critic=plain", "critic=sets", "variant=sets,action=softmax"]
)
def test_what_does_not_fit_together_is_refused(wrong):
    """Sets need all three of their fields; an unknown variant is one line."""
    with pytest.raises(InputError, match="must"):
        registry.make(f"ddpg[{wrong}]")


def test_sets_learn_from_draws_and_answer_anything(tmp_path):
    """Trained on libraries and N of all kinds, one file answers any M and N, and keeps rules."""
    path = tmp_path / "sets.safetensors"
    policies.write_policy(path, registry.make(f"ddpg[variant=sets,{TINY}]").train(Draws(SMALL, 1)))
    solver = registry.make(f"ddpg[variant=sets,{TINY},policy={path}]")
    linked = Scenario(slots=4, frame_slots=2)
    ruled = linked.instance("ruled", linked.library(1), linked.trace(1, "ruled"))
    for instance in (ruled, *map(Draws(SMALL, 9).instance, range(4))):
        assert solver.supports(instance) is None
        assert evaluate(instance, solver.solve(instance, Run.seeded(0))).feasible


@pytest.mark.parametrize("rules", [{}, {"frame_slots": 2, "loading_s_per_gb": 0.5}])
def test_an_agent_of_the_past_is_an_online_solver_in_the_bench(rules, tmp_path):
    """The bench shows it slot by slot; it answers as `solve` does, and is verified with loading too."""
    scenario = Scenario(users=3, models=4, slots=4, **rules)
    recipe = Recipe(library_seed=4, trace_seed=5, libraries=1, users=(3,), traces=1)
    suite = generate(tmp_path / "own", "own", recipe, scenario)
    path, (instance,) = tmp_path / "past.safetensors", suite
    course = Episodes.of_suite(str(suite.folder))
    policies.write_policy(path, registry.make(f"ddpg[variant=past,{TINY}]").train(course))
    spec = f"ddpg[variant=past,{TINY},policy={path}]"
    assert describe(spec).information == "past"
    found = mincache.run(suite, [spec], seconds=60.0, folder=tmp_path / "runs").to_pandas()
    assert found["verdict"].tolist() == ["verified"]
    assert found["cost"].tolist() == [mincache.solve(instance, spec).evaluation.cost]
    if not rules:
        declined = registry.make(f"ddpg[policy={path}]").supports(instance)
        assert declined.endswith("is for information past, the parameters for trace")


def test_the_plain_agent_is_for_one_problem():
    """Numbers for each user mean nothing for another N, so that it cannot learn from draws."""
    assert not registry.make("ddpg").every_problem
    with pytest.raises(InputError, match="must be"):
        registry.make(f"ddpg[{TINY}]").train(Draws(SMALL, 1))


SHIPPED = Path(str(files("mincache.solvers") / "policies")) / "ddpg-sets.paper-v1.safetensors"


def test_the_shipped_policy_on_sets_has_its_record():
    """The record names the policy's bytes and card, the command that makes it, and the paper's budget."""
    record = TrainingRecord.model_validate_json(SHIPPED.with_suffix(".json").read_text())
    assert record.policy_sha256 == digest(SHIPPED.read_bytes())
    assert record.card == policies.read_policy(SHIPPED).card
    assert record.command == "mincache train 'ddpg[variant=sets]' --suite paper-v1 --seed 1"
    assert record.environment_steps == 25_000


def test_one_file_on_sets_is_near_the_optimum_on_all_of_paper_v1():
    """On a trace of each library and N, all of which it never met, the mean gap is under 1 %."""
    solver, gaps = registry.make("ddpg[variant=sets]"), []
    for instance in find("paper-v1"):
        if instance.name.endswith("t1"):
            ours, best = solver.solve(instance, Run.seeded(0)), optimum(instance).solution
            gaps.append(evaluate(instance, ours).cost / evaluate(instance, best).cost - 1.0)
    assert len(gaps) == 15
    assert np.mean(gaps) < 0.01
