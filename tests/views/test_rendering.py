"""A slot can be looked at, as text and as a picture."""

import numpy as np
import pytest

from mincache.generation.suites import find_instance
from mincache.views.environment import EdgeCachingEnv, EdgeCachingVectorEnv

SMOKE = find_instance("smoke-v1.l0.n18.t0")


def played(mode, kind=EdgeCachingEnv):
    """An environment after its first slot."""
    env = kind(SMOKE, render_mode=mode)
    env.reset(seed=1)
    env.action_space.seed(2)
    env.step(env.action_space.sample())
    return env


def test_the_text_says_what_is_cached_and_who_hits():
    """Its lines agree with the decisions that were priced."""
    env = played("ansi")
    slot, decisions, scores, _ = env._batch._shown
    shown = env.render()
    for n, model in enumerate(slot.trace.requested_model[0, :16].tolist()):
        answer = "hit" if decisions.cache[0, model] else "miss"
        assert f"user {n:2} asks for model {model:2}: {answer}" in shown
    assert "and 2 users more" in shown
    assert f"cost {scores.cost[0]:.3f}" in shown
    cached = ", ".join(str(m) for m in np.flatnonzero(decisions.cache[0])) or "no model"
    assert f"cached {cached} (" in shown


def test_the_picture_shows_the_cache_in_its_own_colour():
    """As much of the row of models is filled as of the library is cached."""
    env = played("rgb_array")
    slot, decisions, *_ = env._batch._shown
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((480, 640, 3), np.uint8)
    filled = (picture[50] == (44, 132, 84)).all(axis=-1).mean()
    part = slot.models.size_gb[decisions.cache[0]].sum() / slot.models.size_gb.sum()
    assert filled == pytest.approx(part * 620 / 640, abs=0.05)


def test_there_is_a_picture_before_the_first_slot():
    """A recorder asks for one at once, of each episode; it is blank."""
    env = played("rgb_array")
    env.reset()
    assert (env.render() == 255).all()
    copies = EdgeCachingVectorEnv(SMOKE, 2, render_mode="rgb_array")
    copies.reset()
    assert (np.array(copies.render()) == 255).all()


def test_the_screen_gets_each_slot(capsys):
    """In mode human a step writes its text, of each copy, and rendering returns nothing."""
    assert played("human").render() is None
    assert capsys.readouterr().out.count("slot 0: cached") == 2
    played("human", EdgeCachingVectorEnv)
    assert capsys.readouterr().out.count("slot 0: cached") == 1


def test_copies_are_shown_one_by_one():
    """A text each, with the costs that the step reported."""
    env = EdgeCachingVectorEnv(SMOKE, 3, render_mode="ansi")
    env.reset()
    _, rewards, *_ = env.step(env.action_space.sample())
    for shown, reward in zip(env.render(), rewards, strict=True):
        assert f"cost {-reward:.3f}" in shown


def test_an_episode_can_be_filmed(tmp_path):
    """Gymnasium's recorder writes a film of it."""
    pytest.importorskip("moviepy")
    from gymnasium.wrappers import RecordVideo

    env = RecordVideo(
        EdgeCachingEnv(find_instance("smoke-v1.l0.n10.t0"), render_mode="rgb_array"), str(tmp_path)
    )
    env.reset()
    over = False
    while not over:
        over = env.step(env.action_space.sample())[3]
    env.close()
    assert [path.suffix for path in tmp_path.iterdir() if path.stat().st_size > 1000] == [".mp4"]
