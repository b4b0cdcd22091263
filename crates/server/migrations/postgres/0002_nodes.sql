-- The servers on this database. One whose last beat is old is dead, and the others look after its games.
CREATE TABLE nodes (
    node_id TEXT        NOT NULL PRIMARY KEY,
    beat_at TIMESTAMPTZ NOT NULL,
    -- Whether it relays to participants on other servers, and so can be one of several.
    relays  BOOLEAN     NOT NULL
);

-- What a change of a game has to tell those whose sockets another server holds. A row goes when it was told.
CREATE TABLE messages (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id TEXT   NOT NULL,
    game_id TEXT   NOT NULL REFERENCES games (game_id),
    body    TEXT   NOT NULL
);

CREATE INDEX messages_by_node ON messages (node_id, id);
