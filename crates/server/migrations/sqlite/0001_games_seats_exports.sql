CREATE TABLE games (
    game_id       TEXT    NOT NULL PRIMARY KEY,
    experiment_id TEXT    NOT NULL,
    scene_id      TEXT    NOT NULL,
    phase         TEXT    NOT NULL CHECK (phase IN ('waiting', 'playing', 'ending', 'ended')),
    -- The whole game as JSON; the other columns repeat what queries need.
    state         TEXT    NOT NULL,
    -- When the game next needs a look; NULL when only a message can change it.
    deadline_ms   INTEGER,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
);

CREATE INDEX games_by_deadline ON games (experiment_id, deadline_ms) WHERE deadline_ms IS NOT NULL;
CREATE INDEX games_live ON games (experiment_id, scene_id, phase, created_at_ms) WHERE phase <> 'ended';

CREATE TABLE seats (
    game_id         TEXT    NOT NULL REFERENCES games (game_id),
    participant_id  TEXT    NOT NULL,
    -- JSON: a number or a text.
    player_id       TEXT    NOT NULL,
    joined_at_ms    INTEGER NOT NULL,
    outcome         TEXT,
    completion_code TEXT,
    PRIMARY KEY (game_id, participant_id)
);

CREATE INDEX seats_by_participant ON seats (participant_id, joined_at_ms);

CREATE TABLE exports (
    participant_id     TEXT    NOT NULL,
    export_id          TEXT    NOT NULL,
    game_id            TEXT    NOT NULL REFERENCES games (game_id),
    scene_id           TEXT    NOT NULL,
    source             TEXT    NOT NULL CHECK (source IN ('client', 'server')),
    received_at_ms     INTEGER NOT NULL,
    -- These repeat the metrics' sessionStatus where it is well-formed.
    is_partial         INTEGER,
    termination_reason TEXT,
    termination_frame  INTEGER,
    completed_episodes INTEGER,
    metrics            TEXT    NOT NULL,
    PRIMARY KEY (participant_id, export_id)
);

CREATE INDEX exports_by_game ON exports (game_id);
