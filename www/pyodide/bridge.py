"""What the page calls. It speaks JSON with the page, so that no Python object has to be freed by hand in JavaScript."""

from __future__ import annotations

import json
from typing import Any

from environment import Environment


class Bridge:
    """One environment, episode after episode."""

    def __init__(self) -> None:
        self.reset(seed=0, max_steps=0)

    def metadata(self) -> str:
        """What does not change: how many frames a second are meant, and the size of the picture."""
        return json.dumps(Environment.metadata)

    def reset(self, seed: int, max_steps: int) -> str:
        self._environment = Environment(max_steps)
        _, info = self._environment.reset(seed=seed)
        self._score = 0.0
        return self._told(False, info)

    def step(self, *actions: int) -> str:
        _, rewards, terminated, truncated, info = self._environment.step(dict(enumerate(actions)))
        # The players share what they win, so one agent's rewards are the score.
        self._score += rewards[0]
        return self._told(terminated or truncated, info)

    def state_hash(self) -> int:
        return self._environment.state_hash()

    def _told(self, is_over: bool, info: dict[str, Any]) -> str:
        shapes = self._environment.render()
        return json.dumps({"score": self._score, "isOver": is_over, "shapes": shapes, "info": info})
