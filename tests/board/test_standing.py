from hypothesis import given
from hypothesis import strategies as st

from mincache.board.standing import NOTHING_SHARED, NOTHING_VERIFIED, common_instances

covered_sets = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=3), st.frozensets(st.sampled_from("123456")), max_size=6
)


def _common(covered):
    return common_instances(covered, {who: who for who in covered})


@given(covered_sets)
def test_every_ranked_solver_covers_every_common_instance(covered):
    """Common instances are covered by all that are not set apart, and none else is left out."""
    common, apart = _common(covered)
    ranked = [instances for who, instances in covered.items() if who not in apart]
    assert set(common) == (frozenset.intersection(*ranked) if ranked else set())


@given(covered_sets)
def test_something_is_common_as_soon_as_something_is_covered(covered):
    """No solver can empty the table."""
    common, apart = _common(covered)
    assert bool(common) == any(covered.values())
    assert {who for who in covered if not covered[who]} == {
        who for who, why in apart.items() if why == NOTHING_VERIFIED
    }


def test_the_better_covering_solver_stays_in():
    """Of two that share nothing the one that covers less is set apart."""
    common, apart = _common({"much": frozenset("123"), "little": frozenset("4")})
    assert common == ("1", "2", "3")
    assert apart == {"little": NOTHING_SHARED}
