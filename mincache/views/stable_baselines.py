"""The batched environment in the form that Stable-Baselines3 trains on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv

from mincache.errors import InputError, excerpt
from mincache.problem.quantity import Array
from mincache.views.environment import EdgeCachingVectorEnv


class StableBaselinesVecEnv(VecEnv):
    """Copies stepped at once, for Stable-Baselines3: far faster than copies made one by one."""

    def __init__(self, num_envs: int, **kwargs: Any) -> None:
        self.copies = EdgeCachingVectorEnv(
            num_envs=num_envs, autoreset_mode=AutoresetMode.SAME_STEP, **kwargs
        )
        self.render_mode = self.copies.render_mode
        self._actions = np.zeros(self.copies.action_space.shape or (), dtype=np.float32)
        super().__init__(num_envs, self.copies.single_observation_space, self.copies.single_action_space)

    def reset(self) -> Array:
        """Begin an episode in every copy, and return its first states."""
        first = self._seeds[0]  # of the seeds that follow it, one a copy; a row of episodes needs one alone
        options = self._options[0]
        if any(one != options for one in self._options):
            rule = "must be the same for all copies, which begin together"
            raise InputError("options", rule, excerpt(self._options))
        self._reset_seeds()
        self._reset_options()
        return self.copies.reset(seed=first, options=options)[0]

    def step_async(self, actions: Array) -> None:
        """Keep the actions of the next step."""
        self._actions = actions

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """Play the step; where an episode ends, the info of each copy holds the state that it ends on too."""
        states, rewards, _, over, info = self.copies.step(self._actions)
        known = info.get("final_info", info)
        columns = {name: values.tolist() for name, values in known.items() if not name.startswith("_")}
        infos = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for own, final in zip(infos, info.get("final_obs", ()), strict=False):  # none before the end
            own |= {"terminal_observation": final, "TimeLimit.truncated": True}
        return states, rewards.astype(np.float32), over, infos

    def close(self) -> None:
        """Do nothing: there are no processes to end."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of the copies, which is the same for all."""
        return [getattr(self.copies, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of all copies at once."""
        setattr(self.copies, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of the copies, once for each that is asked for."""
        return [getattr(self.copies, method_name)(*args, **kwargs) for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return that no copy is wrapped."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[Array | None]:
        """Return a picture of the last slot of each copy."""
        return self.copies.render() or [None] * self.num_envs
