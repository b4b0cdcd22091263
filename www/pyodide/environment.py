"""Rally: two players keep one ball in play, each with a paddle of their own.

Every return is a point for both, and makes the ball a little faster. After a miss the ball is served anew. Nothing but the
seed and the actions decides what happens, and all numbers are integers: every browser comes to the same state.
"""

from __future__ import annotations

import random
import zlib
from dataclasses import astuple, dataclass
from typing import Any, Final

Agent = int
Action = int
Observation = dict[str, int]
Shape = dict[str, Any]

STAY: Final = 0
UP: Final = 1
DOWN: Final = 3

WIDTH: Final = 1000
HEIGHT: Final = 800
PADDLE_X: Final = (50, 950)
PADDLE_HALF: Final = 90
PADDLE_SPEED: Final = 20
# How near to the wall a paddle's end comes.
PADDLE_GAP: Final = 16
BALL_RADIUS: Final = 18
# The ball meets a paddle when its edge does.
REACH: Final = BALL_RADIUS + 12
SLOWEST: Final = 11
FASTEST: Final = 20
SERVE_STEPS: Final = 30


@dataclass
class Ball:
    """Where the ball is, how far it goes in a step, and how many steps it still rests before it is served."""

    x: int
    y: int
    dx: int
    dy: int
    wait: int


class Environment:
    """A cooperative game for two agents, 0 on the left and 1 on the right."""

    metadata: Final = {"render_fps": 30, "render_size": (WIDTH, HEIGHT)}
    agents: Final = (0, 1)

    def __init__(self, max_steps: int) -> None:
        """`max_steps`: how many steps an episode has."""
        self.max_steps = max_steps
        self.reset(seed=0)

    def reset(self, seed: int) -> tuple[dict[Agent, Observation], dict[str, Any]]:
        """Begin an episode. The same seed gives the same episode.

        Returns each agent's observation, and an `info` that counts what happened.
        """
        self._random = random.Random(seed)
        self._steps = 0
        self._paddles = [HEIGHT // 2, HEIGHT // 2]
        self._returns = [0, 0]
        self._misses = [0, 0]
        self._rally = 0
        self._longest_rally = 0
        self._serve(towards=self._random.getrandbits(1))
        return self._observations(), self._info()

    def step(
        self, actions: dict[Agent, Action]
    ) -> tuple[dict[Agent, Observation], dict[Agent, float], bool, bool, dict[str, Any]]:
        """Move on by one step, with an action of each agent: `STAY`, `UP` or `DOWN`; any other counts as `STAY`.

        Returns observations, rewards, `terminated`, `truncated` and `info`. The reward of a return goes to both agents: they
        play together.
        """
        for agent in self.agents:
            self._move_paddle(agent, actions.get(agent, STAY))
        returned = self._move_ball()
        self._steps += 1
        rewards = {agent: float(returned) for agent in self.agents}
        return self._observations(), rewards, False, self._steps >= self.max_steps, self._info()

    def render(self) -> list[Shape]:
        """What there is to be seen, from back to front, as shapes in a field of `WIDTH` by `HEIGHT`.

        A shape that belongs to an agent names it, so that the page can show everybody which one is theirs.
        """
        shapes: list[Shape] = [
            {"shape": "line", "x": WIDTH // 2, "y": 0, "x2": WIDTH // 2, "y2": HEIGHT, "colour": "line"},
        ]
        for agent in self.agents:
            shapes.append(
                {
                    "shape": "rectangle",
                    "x": PADDLE_X[agent] - 12,
                    "y": self._paddles[agent] - PADDLE_HALF,
                    "width": 24,
                    "height": 2 * PADDLE_HALF,
                    "colour": f"agent-{agent}",
                    "agent": agent,
                }
            )
        ball = self._ball
        shapes.append({"shape": "circle", "x": ball.x, "y": ball.y, "radius": BALL_RADIUS, "colour": "ball"})
        return shapes

    def state_hash(self) -> int:
        """A checksum of everything that decides how the game goes on, and of what is counted."""
        state = (
            self._steps,
            self._paddles,
            astuple(self._ball),
            self._returns,
            self._misses,
            self._rally,
            self._longest_rally,
            self._random.getstate(),
        )
        return zlib.crc32(repr(state).encode())

    def _observations(self) -> dict[Agent, Observation]:
        """Both agents see the whole court."""
        ball = self._ball
        return {
            agent: {
                "paddle": self._paddles[agent],
                "partner": self._paddles[1 - agent],
                "ball_x": ball.x,
                "ball_y": ball.y,
                "ball_dx": ball.dx,
                "ball_dy": ball.dy,
            }
            for agent in self.agents
        }

    def _info(self) -> dict[str, Any]:
        return {
            "returns": list(self._returns),
            "misses": list(self._misses),
            "longest_rally": self._longest_rally,
        }

    def _move_paddle(self, agent: Agent, action: Action) -> None:
        direction = {UP: -1, DOWN: 1}.get(action, 0)
        moved = self._paddles[agent] + direction * PADDLE_SPEED
        nearest = PADDLE_HALF + PADDLE_GAP
        self._paddles[agent] = min(max(moved, nearest), HEIGHT - nearest)

    def _move_ball(self) -> bool:
        """Whether the ball was returned in this step."""
        ball = self._ball
        if ball.wait > 0:
            ball.wait -= 1
            return False
        ball.x += ball.dx
        ball.y += ball.dy
        if ball.y < BALL_RADIUS or ball.y > HEIGHT - BALL_RADIUS:
            ball.y = min(max(ball.y, BALL_RADIUS), HEIGHT - BALL_RADIUS)
            ball.dy = -ball.dy
        receiver = 0 if ball.dx < 0 else 1
        # Judged only in the step in which the ball comes to the paddle: one that has passed is missed.
        came = self._depth(receiver, ball.x)
        if 0 <= came < abs(ball.dx):
            offset = ball.y - self._paddles[receiver]
            if abs(offset) <= PADDLE_HALF + BALL_RADIUS:
                self._return(receiver, offset)
                return True
        if ball.x < 0 or ball.x > WIDTH:
            self._misses[receiver] += 1
            self._rally = 0
            self._serve(towards=1 - receiver)
        return False

    def _depth(self, agent: Agent, x: int) -> int:
        """How far `x` is behind the place where the agent's paddle meets the ball."""
        if agent == 0:
            return PADDLE_X[0] + REACH - x
        return x - (PADDLE_X[1] - REACH)

    def _return(self, agent: Agent, offset: int) -> None:
        """The further from the paddle's middle, the steeper the ball flies back."""
        ball = self._ball
        speed = min(abs(ball.dx) + 1, FASTEST)
        ball.dx = speed if agent == 0 else -speed
        ball.dy = offset // 8 + self._random.randrange(-2, 3)
        self._returns[agent] += 1
        self._rally += 1
        self._longest_rally = max(self._longest_rally, self._rally)

    def _serve(self, towards: Agent) -> None:
        dx = -SLOWEST if towards == 0 else SLOWEST
        self._ball = Ball(WIDTH // 2, HEIGHT // 2, dx, self._random.randrange(-9, 10), SERVE_STEPS)
