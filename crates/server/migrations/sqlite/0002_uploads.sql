-- When and where a participant's part in the game ended; NULL while it goes on.
ALTER TABLE seats ADD COLUMN left_at_ms INTEGER;
-- NULL too for who left a waiting room.
ALTER TABLE seats ADD COLUMN left_frame INTEGER;

-- 'gzip': `metrics` holds what stillhere itself recorded, and the whole document is in `export_chunks`.
ALTER TABLE exports ADD COLUMN encoding TEXT NOT NULL DEFAULT 'json' CHECK (encoding IN ('json', 'gzip'));
-- The size of the stored document, as it is encoded.
ALTER TABLE exports ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
UPDATE exports SET bytes = LENGTH(CAST(metrics AS BLOB));

-- Exports that are on their way; a row goes when its export is stored or refused for good.
CREATE TABLE uploads (
    participant_id TEXT    NOT NULL,
    export_id      TEXT    NOT NULL,
    -- So many bytes are stored, without a gap.
    received       INTEGER NOT NULL,
    chunks         INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    PRIMARY KEY (participant_id, export_id)
);

CREATE INDEX uploads_by_age ON uploads (updated_at_ms);

-- In the order of `offset`, the chunks of an export are one gzip file.
CREATE TABLE export_chunks (
    participant_id TEXT    NOT NULL,
    export_id      TEXT    NOT NULL,
    "offset"       INTEGER NOT NULL,
    bytes          BLOB    NOT NULL,
    PRIMARY KEY (participant_id, export_id, "offset")
);
