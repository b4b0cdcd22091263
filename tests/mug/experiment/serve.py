"""MUG's own server with a study: a first scene, games, and the end. Its data go into the working directory.

usage: serve.py SETTINGS, a JSON object: `scene` what GymScene.multiplayer() gets, `episodes`, `steps`, `games` one after the other,
`body` of the first scene
"""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import pathlib  # noqa: E402
import sys  # noqa: E402
import urllib.request  # noqa: E402


def unreachable(*_args, **_kwargs):
    raise OSError("the server asks nobody for its public address")


urllib.request.urlopen = unreachable

from mug.configurations import experiment_config  # noqa: E402
from mug.configurations.configuration_constants import InputModes, PolicyTypes  # noqa: E402
from mug.scenes import gym_scene, stager, static_scene  # noqa: E402
from mug.server import app  # noqa: E402

HERE = pathlib.Path(__file__).parent
listen = eventlet.listen


def listen_and_say(address, *args, **kwargs):
    sock = listen(address, *args, **kwargs)
    print(f"MUG is serving at http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
    return sock


eventlet.listen = listen_and_say


def asked(context: dict) -> dict:
    """A rule of the researcher's own: whoever reaches this frame is excluded."""
    return {"exclude": context["frame_number"] >= 60, "warn": False, "message": "The researcher's own rule."}


def game(settings: dict, number: int) -> gym_scene.GymScene:
    options = dict(settings.get("scene", {}))
    if options.pop("own_rule", False):
        options["continuous_callback"] = asked
    corridor = (
        gym_scene.GymScene()
        .scene(scene_id="corridor" if number == 1 else f"corridor{number}", experiment_config={})
        .policies(policy_mapping={0: PolicyTypes.Human, 1: PolicyTypes.Human})
        .rendering(fps=10, game_width=400, game_height=200)
        .gameplay(
            action_mapping={"ArrowLeft": 1, "ArrowRight": 2},
            default_action=0,
            num_episodes=settings.get("episodes", 1),
            max_steps=settings.get("steps", 3000),
            input_mode=InputModes.PressedKeys,
        )
        .content(scene_header=f"Corridor {number}", scene_body="Press start.", in_game_scene_body="Arrow keys.")
        .runtime(environment_initialization_code_filepath=str(HERE / "corridor.py"))
        .multiplayer(**options)
    )
    # By default MUG installs itself into Pyodide, and with it numpy.
    corridor.packages_to_install = []
    return corridor


def study(settings: dict) -> stager.Stager:
    start = (
        static_scene.StartScene()
        .scene(scene_id="start", experiment_config={})
        .display(scene_header="The corridor", scene_body=settings.get("body", "Press continue."))
    )
    games = [game(settings, number) for number in range(1, settings.get("games", 1) + 1)]
    end = static_scene.EndScene().scene(scene_id="end", experiment_config={}).display(scene_header="The end")
    return stager.Stager(scenes=[start, *games, end])


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    config = (
        experiment_config.ExperimentConfig()
        .experiment(stager=study(given), experiment_id="mug")
        .hosting(host="127.0.0.1", port=0)
        .static_files(["stillhere"])
    )
    app.run(config)
