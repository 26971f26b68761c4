"""A search for parameters: what a grid with ranges lets search, and how a study asks for it."""

import pytest

from mincache import InputError

pytest.importorskip("optuna")
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from mincache.analysis.tuning import search_space

DEFAULTS = {"size": 20, "rate": 0.5, "speed": 3.0, "exact": True, "mode": "good", "policy": None}


@pytest.mark.parametrize(
    ("text", "searched", "fixed"),
    [
        ("it[size=10..200]", {"size": IntDistribution(10, 200)}, {}),
        ("it[size=1..64 log,mode=bad]", {"size": IntDistribution(1, 64, log=True)}, {"mode": "bad"}),
        ("it[rate=-1..0.9]", {"rate": FloatDistribution(-1, 0.9)}, {}),
        ("it[rate=1e-4..1e-1 log]", {"rate": FloatDistribution(1e-4, 1e-1, log=True)}, {}),
        ("it[speed=1..4]", {"speed": IntDistribution(1, 4)}, {}),
        ('it[mode=[good,"a,b",good]]', {"mode": CategoricalDistribution(["good", '"a,b"'])}, {}),
        ("it[policy=[../a,../b]]", {"policy": CategoricalDistribution(["../a", "../b"])}, {}),
        (
            "it",
            {
                "size": IntDistribution(5, 80, log=True),
                "rate": FloatDistribution(0.125, 1.0, log=True),
                "speed": FloatDistribution(0.75, 12.0, log=True),
                "exact": CategoricalDistribution(["true", "false"]),
            },
            {},
        ),
        ("it[size=7,rate=0.1,exact=true]", {"speed": FloatDistribution(0.75, 12.0, log=True)},
         {"size": "7", "rate": "0.1", "exact": "true"}),
    ],
)  # fmt: skip
def test_ranges_and_lists_are_searched(text, searched, fixed):
    """A range or a list is searched, numbers and switches around their defaults where there is none."""
    space = search_space(text, DEFAULTS)
    assert (space.target, space.searched, space.fixed) == ("it", searched, fixed)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("it[sise=1..5]", "did you mean 'size'"),
        ("it[size=9..1]", "must be a range that goes up"),
        ("it[size=0..9 log]", "must be a range that goes up"),
        ("it[size=1..x]", "must be a range that goes up"),
        ("it[size=nan..9]", "must be a range that goes up"),
        ("it[rate=.1..9]", "must be a range that goes up"),
        ("it[size=1..1e400]", "must be a range that goes up"),
        ("it[size=1..9 lin]", "must be a range that goes up"),
        ("it[size=[1..3,5]]", "must be a range that goes up"),
        ("it[size=1.5..3]", "must be a range of whole numbers"),
        ("it[size=[]]", "must list a value"),
        ("it[size=1..5,size=2]", "must be given once"),
        ("it[size", "must look like name"),
        ("it[size=1,rate=1,speed=1,exact=true]", "must have a range or a list"),
        (f"it[{','.join(f'p{n}=[1,2,3,4,5,6,7,8,9,10]' for n in range(9))}]", "must write at most 100000"),
    ],
)
def test_bad_grids_are_one_sentence(text, told):
    """What cannot be searched is refused with the rule that it breaks."""
    with pytest.raises(InputError, match=told) as refused:
        search_space(text, DEFAULTS)
    assert "\n" not in str(refused.value)


def test_a_study_finds_a_known_optimum_and_repeats_itself():
    """The first setting has the defaults; the optimum is found; the same seed asks for the same settings."""
    space = search_space("it[size=1..100,rate=1e-3..1 log,mode=[bad,good]]", DEFAULTS)

    def tried(seed):
        study, found = space.study(DEFAULTS, seed), []
        for _ in range(80):
            asked = study.ask(space.searched)
            one = asked.params
            study.tell(asked, abs(one["size"] - 70) / 100 + one["rate"] + (one["mode"] == "bad"))
            found.append(space.spelled(one))
        return found, study.best_params

    first, best = tried(3)
    assert first[0] == "it[size=20,rate=0.5,mode=good]"
    assert best["mode"] == "good"
    assert abs(best["size"] - 70) < 10
    assert best["rate"] < 0.05
    assert tried(3)[0] == first
    assert tried(4)[0] != first
