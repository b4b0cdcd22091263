"""Plays both roles against a running server with python-socketio, a client that shares no code with it.

usage: roles.py URL SCENARIO
"""

from __future__ import annotations

import queue
import sys
import time
from typing import Any

import socketio

PATIENCE = 10
PARTNER_TEXT = "Your partner experienced a technical issue. The game has ended."

# They come whenever the server likes, so they have no place in an order of events.
UNORDERED = {"presence_probe", "waiting_room", "pong"}


class Participant:
    """One connected participant: what it says is acked, what it hears is kept in order."""

    def __init__(self, url: str, name: str, transport: str) -> None:
        self.name = name
        self.seat: dict[str, Any] = {}
        self.aside: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.heard: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.client = socketio.Client(reconnection=False)
        self.client.on("*", self._hear)
        self.client.connect(url, transports=[transport])

    def _hear(self, event: str, data: Any = None) -> Any:
        (self.aside if event in UNORDERED else self.heard).put((event, data))
        if event == "presence_probe":
            return {"seq": data["seq"], "hidden": False, "hidden_ms": 0, "frame_number": 0, "stalled_ms": 0}
        return {"ok": True}

    def say(self, event: str, data: Any) -> Any:
        return self.client.call(event, data, timeout=PATIENCE)

    def expect(self, event: str) -> dict[str, Any]:
        """The next event in order, which must be `event`."""
        try:
            name, data = self.heard.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"{self.name} heard nothing, expected {event}") from None
        assert name == event, f"{self.name} heard {name} {data}, expected {event}"
        return data

    def expect_aside(self, event: str) -> dict[str, Any]:
        """The next `event` among those without an order."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                name, data = self.aside.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                break
            if name == event:
                return data
        raise AssertionError(f"{self.name} never heard {event}")

    def expect_nothing_more(self) -> None:
        # What the server sent before this answer has arrived before it.
        assert_accepted(self.say("ping", {"ping_ms": 1, "document_in_focus": True, "seq": 999}), seq=999)
        assert self.heard.empty(), f"{self.name} also heard {self.heard.get()}"

    @property
    def identity(self) -> dict[str, Any]:
        return {"game_id": self.seat["game_id"], "player_id": self.seat["player_id"]}

    def exclusion(self, frame: int) -> dict[str, Any]:
        return {**self.identity, "reason": "sustained_ping", "frame_number": frame, "timestamp": time.time() * 1000}

    def metrics(self, **status: Any) -> dict[str, Any]:
        return {
            "gameId": self.seat["game_id"],
            "playerId": self.seat["player_id"],
            "sessionStatus": {
                "terminatedAtTimestamp": time.time() * 1000,
                "disconnectedPlayerId": None,
                **status,
            },
        }


def assert_accepted(answer: Any, **fields: Any) -> dict[str, Any]:
    assert isinstance(answer, dict), answer
    assert answer.get("ok", True) is True, answer
    for key, value in fields.items():
        assert answer.get(key) == value, (key, value, answer)
    return answer


def assert_refused(answer: Any, code: str) -> None:
    assert isinstance(answer, dict) and answer.get("ok") is False, answer
    error = answer["error"]
    assert error["code"] == code, (code, answer)
    assert isinstance(error["message"], str) and error["message"], answer


def seat_pair(url: str) -> tuple[Participant, Participant]:
    """Two participants in one game, each by another transport."""
    a = Participant(url, "py-ada", "websocket")
    b = Participant(url, "py-bert", "polling")
    answer = assert_accepted(
        a.say("join_game", {"session_id": "s", "scene_id": "grid", "participant_id": a.name}),
        participant_id=a.name,
        status="waiting",
    )
    assert answer["participant_token"]
    waiting = a.expect_aside("waiting_room")
    assert (waiting["cur_num_players"], waiting["players_needed"]) == (1, 1), waiting
    assert waiting["ms_remaining"] > 0
    # Without a scene: the default one.
    assert_accepted(b.say("join_game", {"participant_id": b.name}), participant_id=b.name, status="playing")

    for participant in (a, b):
        participant.seat = participant.expect("pyodide_player_assigned")
        assert participant.seat["num_players"] == 2
        assert isinstance(participant.seat["game_seed"], int)
    assert a.seat["game_id"] == b.seat["game_id"]
    assert a.seat["game_seed"] == b.seat["game_seed"]
    assert a.seat["player_id"] != b.seat["player_id"]
    players = {a.seat["player_id"], b.seat["player_id"]}
    for participant in (a, b):
        ready = participant.expect("pyodide_game_ready")
        assert ready["game_id"] == a.seat["game_id"]
        assert set(ready["players"]) == players, ready
        assert ready["player_subjects"] == {
            str(a.seat["player_id"]): a.name,
            str(b.seat["player_id"]): b.name,
        }, ready
        assert ready["scene_metadata"]["scene_id"] == "grid"
        assert ready["scene_metadata"]["experiment_id"] == "e2e"
        assert ready["scene_metadata"]["continuous_monitoring_enabled"] is True
    return a, b


def play(a: Participant, b: Participant) -> None:
    """Actions are relayed as they are, and pings are answered in both ways."""
    for actor, other in ((a, b), (b, a)):
        for frame, action in enumerate([2, 0, "left", {"x": 1}]):
            said = {"action": action, "frame_number": frame, "timestamp": 1234.5}
            actor.client.emit("pyodide_player_action", {**actor.identity, **said})
            heard = other.expect("pyodide_other_player_action")
            assert heard == {"player_id": actor.seat["player_id"], **said}, heard
    for participant in (a, b):
        answer = participant.say("ping", {"ping_ms": None, "document_in_focus": True, "seq": 7, "paused": False})
        assert answer["seq"] == 7, answer
        pong = participant.expect_aside("pong")
        assert {"max_latency", "min_ping_measurements"} <= pong.keys(), pong


def export(participant: Participant, export_id: str, metrics: dict[str, Any]) -> None:
    """Stored once, however often it is sent."""
    said = {"scene_id": "grid", "metrics": metrics, "export_id": export_id}
    assert_accepted(participant.say("emit_multiplayer_metrics", said), export_id=export_id, duplicate=False)
    for _ in range(2):
        assert_accepted(participant.say("emit_multiplayer_metrics", said), export_id=export_id, duplicate=True)


def redirect(participant: Participant, said: dict[str, Any], outcome: str) -> None:
    """Answered to those who ask for an answer, sent as an event to those who do not."""
    answer = assert_accepted(participant.say("end_game_request_redirect", said))
    assert answer["redirect_timeout"] == 1000, answer
    assert answer["completion_code"]
    expected = f"/done.html?outcome={outcome}&code={answer['completion_code']}&participant={participant.name}"
    assert answer["redirect_url"] == expected, answer
    participant.expect_nothing_more()
    participant.client.emit("end_game_request_redirect", said)
    heard = participant.expect("end_game_request_redirect")
    for key in ("redirect_url", "redirect_timeout"):
        assert heard[key] == answer[key], (answer, heard)


def exclusion(url: str) -> None:
    """One is excluded by its own report, the other is its partner."""
    a, b = seat_pair(url)
    play(a, b)
    assert_accepted(a.say("mid_game_exclusion", a.exclusion(42)), outcome="accepted")
    told = b.expect("partner_excluded")
    assert told["message"] == PARTNER_TEXT
    assert (told["reason"], told["frame_number"], told["game_id"]) == ("partner_exclusion", 42, a.seat["game_id"])
    asked = b.expect("trigger_data_export")
    assert asked["is_partial"] is True
    assert (asked["termination_reason"], asked["termination_frame"]) == ("partner_exclusion", 42)
    assert told["delivery_id"] != asked["delivery_id"]

    # A repeat, as after a lost answer, is answered as before; the other's verdict comes too late. Neither changes anything.
    assert_accepted(a.say("mid_game_exclusion", a.exclusion(42)), outcome="accepted")
    assert_accepted(b.say("mid_game_exclusion", b.exclusion(43)), outcome="already_ended")
    status = {"isPartial": True, "terminationFrame": 42, "completedEpisodes": 0}
    export(a, "export-of-a", a.metrics(**status, terminationReason="sustained_ping", terminatedBy="self"))
    export(b, "export-of-b", b.metrics(**status, terminationReason="partner_exclusion", terminatedBy="partner"))
    redirect(a, {"mid_game_exclusion": True}, "excluded")
    redirect(b, {"partner_exclusion": True}, "partner_excluded")
    for participant in (a, b):
        participant.expect_nothing_more()
        participant.client.disconnect()


def completion(url: str) -> None:
    """Both play to the end."""
    a, b = seat_pair(url)
    play(a, b)
    for participant in (a, b):
        status = {"isPartial": False, "terminationReason": "normal", "terminatedBy": None}
        metrics = participant.metrics(**status, terminationFrame=119, completedEpisodes=2)
        export(participant, f"export-of-{participant.name}", metrics)
        assert_accepted(participant.say("multiplayer_game_complete", participant.identity))
        redirect(participant, {}, "completed")
    for participant in (a, b):
        participant.expect_nothing_more()
        participant.client.disconnect()


def bad_payloads(url: str) -> None:
    """Each is refused with a code, changes nothing, and leaves the socket usable."""
    stranger = Participant(url, "py-stranger", "websocket")
    nobody = {"game_id": "none", "player_id": 0}
    metrics = {"scene_id": "grid", "metrics": {"sessionStatus": {}}, "export_id": "x"}
    for event, payload in (
        ("mid_game_exclusion", {**nobody, "reason": "tab_hidden", "frame_number": 1}),
        ("multiplayer_game_complete", nobody),
        ("emit_multiplayer_metrics", metrics),
    ):
        assert_refused(stranger.say(event, payload), "unauthorized")
    for payload in ("text", 7, ["list"], {"participant_id": {}}, {"participant_id": "x" * 10_000}, {"scene_id": 3}):
        assert_refused(stranger.say("join_game", payload), "invalid_payload")
    assert_refused(stranger.say("join_game", {"scene_id": "no such scene"}), "unknown_game")
    stranger.client.disconnect()

    a, b = seat_pair(url)
    good = a.exclusion(1)
    bad: list[tuple[str, Any]] = []
    for event, payload, required in (
        ("mid_game_exclusion", good, ("game_id", "player_id", "reason", "frame_number")),
        ("emit_multiplayer_metrics", metrics, ("scene_id", "metrics")),
        ("multiplayer_game_complete", a.identity, ("game_id", "player_id")),
    ):
        bad += [(event, value) for value in (None, "text", 7, True, [], [payload])]
        for key in required:
            bad.append((event, {k: v for k, v in payload.items() if k != key}))
            bad += [(event, {**payload, key: value}) for value in (None, [], True)]
    bad += [
        ("mid_game_exclusion", {**good, "reason": "i do not like them"}),
        ("mid_game_exclusion", {**good, "frame_number": -1}),
        ("mid_game_exclusion", {**good, "frame_number": "1"}),
        ("mid_game_exclusion", {**good, "evidence": "none"}),
        ("emit_multiplayer_metrics", {**metrics, "metrics": "text"}),
        ("end_game_request_redirect", "text"),
        ("leave_game", ["list"]),
        ("participant_terminal_state", {}),
        ("participant_terminal_state", {**a.identity, "reason": "bored", "frame_number": 1, "episode_number": 0}),
    ]
    for event, payload in bad:
        try:
            assert_refused(a.say(event, payload), "invalid_payload")
        except AssertionError as error:
            raise AssertionError(f"{event} {payload}: {error}") from error
    assert_refused(a.say("mid_game_exclusion", {**good, "game_id": "another"}), "unknown_game")
    # Whoever claims the other's seat excludes nobody.
    assert_refused(a.say("mid_game_exclusion", {**good, "player_id": b.seat["player_id"]}), "not_your_seat")
    assert_refused(a.say("multiplayer_game_complete", b.identity), "not_your_seat")
    play(a, b)
    for participant in (a, b):
        participant.expect_nothing_more()
    # Only now: the other one hears of it.
    for participant in (a, b):
        participant.client.disconnect()


SCENARIOS = {"exclusion": exclusion, "completion": completion, "bad-payloads": bad_payloads}

if __name__ == "__main__":
    SCENARIOS[sys.argv[2]](sys.argv[1])
    print(f"{sys.argv[2]}: ok")
