"""MUG's own server with a study of one game for two, until it is killed. Its data go into the working directory.

usage: serve.py [--awake]; `--awake`: without the 0.1 s for which it sleeps under its one lock after each exclusion
"""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402
import types  # noqa: E402
import urllib.request  # noqa: E402


def unreachable(*_args, **_kwargs):
    raise OSError("the server asks nobody for its public address")


urllib.request.urlopen = unreachable

from mug.configurations import experiment_config  # noqa: E402
from mug.configurations.configuration_constants import InputModes, PolicyTypes  # noqa: E402
from mug.scenes import gym_scene, stager, static_scene  # noqa: E402
from mug.server import pyodide_game_coordinator  # noqa: E402
from mug.server import app as server  # noqa: E402

listen = eventlet.listen


def listen_and_say(address, *args, **kwargs):
    # As many as every other server here lets wait.
    kwargs["backlog"] = 4096
    sock = listen(address, *args, **kwargs)
    print(f"MUG is serving at http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
    return sock


eventlet.listen = listen_and_say

if "--awake" in sys.argv[1:]:
    pyodide_game_coordinator.eventlet = types.SimpleNamespace(sleep=lambda _seconds: None)

start = static_scene.StartScene().scene(scene_id="start", experiment_config={}).display(scene_header="Start", scene_body="")
game = (
    gym_scene.GymScene()
    .scene(scene_id="bench", experiment_config={})
    .policies(policy_mapping={0: PolicyTypes.Human, 1: PolicyTypes.Human})
    .rendering(fps=10, game_width=400, game_height=200)
    .gameplay(
        action_mapping={"ArrowLeft": 1, "ArrowRight": 2},
        default_action=0,
        num_episodes=1,
        max_steps=100_000,
        input_mode=InputModes.PressedKeys,
    )
    .content(scene_header="Game", scene_body="", in_game_scene_body="")
    .runtime(environment_initialization_code="env = None")
    .multiplayer(continuous_monitoring_enabled=True, hide_lobby_count=False)
)
game.packages_to_install = []
end = static_scene.EndScene().scene(scene_id="end", experiment_config={}).display(scene_header="End", scene_body="")

config = (
    experiment_config.ExperimentConfig()
    .experiment(stager=stager.Stager(scenes=[start, game, end]), experiment_id="bench")
    .hosting(host="127.0.0.1", port=0)
)
server.run(config)
