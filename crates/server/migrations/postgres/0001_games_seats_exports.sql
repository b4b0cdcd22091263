CREATE TABLE games (
    game_id       TEXT   NOT NULL PRIMARY KEY,
    experiment_id TEXT   NOT NULL,
    scene_id      TEXT   NOT NULL,
    phase         TEXT   NOT NULL CHECK (phase IN ('waiting', 'playing', 'ending', 'ended')),
    -- The whole game as JSON; the other columns repeat what queries need.
    state         TEXT   NOT NULL,
    -- When the game next needs a look; NULL when only a message can change it. A server that looks at it first moves
    -- this on by a few seconds, so that no other one does, and another one does should the first one die.
    deadline_ms   BIGINT,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    -- In the order in which rows were added; named as SQLite names it.
    rowid         BIGINT GENERATED ALWAYS AS IDENTITY
);

CREATE INDEX games_by_deadline ON games (experiment_id, deadline_ms) WHERE deadline_ms IS NOT NULL;
CREATE INDEX games_live ON games (experiment_id, scene_id, phase, created_at_ms) WHERE phase <> 'ended';

CREATE TABLE seats (
    game_id         TEXT   NOT NULL REFERENCES games (game_id),
    participant_id  TEXT   NOT NULL,
    -- JSON: a number or a text.
    player_id       TEXT   NOT NULL,
    joined_at_ms    BIGINT NOT NULL,
    outcome         TEXT,
    completion_code TEXT,
    -- When and where the participant's part in the game ended; NULL while it goes on.
    left_at_ms      BIGINT,
    -- NULL too for who left a waiting room.
    left_frame      BIGINT,
    rowid           BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (game_id, participant_id)
);

CREATE INDEX seats_by_participant ON seats (participant_id, joined_at_ms);

CREATE TABLE exports (
    participant_id     TEXT   NOT NULL,
    export_id          TEXT   NOT NULL,
    game_id            TEXT   NOT NULL REFERENCES games (game_id),
    scene_id           TEXT   NOT NULL,
    source             TEXT   NOT NULL CHECK (source IN ('client', 'server')),
    received_at_ms     BIGINT NOT NULL,
    -- These repeat the metrics' sessionStatus where it is well-formed.
    is_partial         BOOLEAN,
    termination_reason TEXT,
    termination_frame  BIGINT,
    completed_episodes BIGINT,
    metrics            TEXT   NOT NULL,
    -- 'gzip': `metrics` holds what stillhere itself recorded, and the whole document is in `export_chunks`.
    encoding           TEXT   NOT NULL CHECK (encoding IN ('json', 'gzip')),
    -- The size of the stored document, as it is encoded.
    bytes              BIGINT NOT NULL,
    rowid              BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (participant_id, export_id)
);

CREATE INDEX exports_by_game ON exports (game_id);

-- Exports that are on their way; a row goes when its export is stored or refused for good.
CREATE TABLE uploads (
    participant_id TEXT   NOT NULL,
    export_id      TEXT   NOT NULL,
    -- So many bytes are stored, without a gap.
    received       BIGINT NOT NULL,
    chunks         BIGINT NOT NULL,
    updated_at_ms  BIGINT NOT NULL,
    rowid          BIGINT GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (participant_id, export_id)
);

CREATE INDEX uploads_by_age ON uploads (updated_at_ms);

-- In the order of `offset`, the chunks of an export are one gzip file.
CREATE TABLE export_chunks (
    participant_id TEXT   NOT NULL,
    export_id      TEXT   NOT NULL,
    "offset"       BIGINT NOT NULL,
    bytes          BYTEA  NOT NULL,
    PRIMARY KEY (participant_id, export_id, "offset")
);

-- Compressed already.
ALTER TABLE export_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- What all servers on this database have to know alike, such as the key of the participants' tokens.
CREATE TABLE keys (
    name TEXT  NOT NULL PRIMARY KEY,
    key  BYTEA NOT NULL
);
