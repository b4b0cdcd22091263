"""Two players in a corridor, each a step to the left or to the right: run by Pyodide in both pages.

numpy for Pyodide is not to be had everywhere. Of numpy MUG's pages use what is here: vectors that they flatten, and a random
number generator that this game does not ask.
"""

import sys
import types


class Vector(list):
    def reshape(self, *_shape):
        return self

    def astype(self, _kind):
        return self

    def tolist(self):
        return list(self)


numpy = types.ModuleType("numpy")
numpy.float32 = float
numpy.uint32 = int
numpy.array = lambda values, dtype=None: Vector(values)
numpy.random = types.SimpleNamespace(
    seed=lambda seed: None,
    get_state=lambda: ("none", Vector(), 0, 0, 0.0),
    set_state=lambda state: None,
)
sys.modules["numpy"] = numpy

CELLS = 21
STAND, LEFT, RIGHT = 0, 1, 2
COLOURS = {0: "#b15928", 1: "#1f78b4"}


class Corridor:
    def __init__(self):
        self.t = 0
        self.cells = {0: 5, 1: 15}

    def reset(self, seed=None, options=None):
        self.__init__()
        return self.observe(), {0: {}, 1: {}}

    def step(self, actions):
        self.t += 1
        for player, action in actions.items():
            step = {LEFT: -1, RIGHT: 1}.get(action, 0)
            self.cells[player] = min(CELLS - 1, max(0, self.cells[player] + step))
        together = float(self.cells[0] == self.cells[1])
        never = {0: False, 1: False}
        return self.observe(), {0: together, 1: together}, never, dict(never), {0: {}, 1: {}}

    def observe(self):
        return {player: Vector([self.cells[player], self.cells[1 - player]]) for player in self.cells}

    def render(self):
        shapes = [
            {
                "uuid": f"player-{player}",
                "object_type": "rect",
                "x": cell / CELLS,
                "y": 0.4 + 0.1 * player,
                "w": 1 / CELLS,
                "h": 0.1,
                "color": COLOURS[player],
            }
            for player, cell in self.cells.items()
        ]
        return {"game_state_objects": shapes, "removed": []}

    def get_state(self):
        return {"t": self.t, "cells": [self.cells[0], self.cells[1]]}

    def set_state(self, state):
        self.t = state["t"]
        self.cells = dict(enumerate(state["cells"]))


env = Corridor()
