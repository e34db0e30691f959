-- One row for each message that died in a consumer group. Its id is derived from both, so the letter of
-- a message that dies again after a replay is the same letter, open again.
CREATE TABLE letters (
    seq           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,     -- UUID
    message       BLOB NOT NULL,            -- UUID of the message
    consumer      TEXT NOT NULL,          -- the consumer group: what a replay is addressed to
    state         TEXT NOT NULL CHECK (state IN ('open', 'replayed', 'resolved', 'discarded')),
    generation    INTEGER NOT NULL,            -- replays before the last death
    job           BLOB,                     -- UUID
    task          BLOB,                     -- UUID
    url           TEXT,
    host          TEXT,
    kind          TEXT,                   -- message type
    topic         TEXT NOT NULL,
    service       TEXT NOT NULL,
    stage         TEXT NOT NULL,
    code          TEXT NOT NULL,
    class         TEXT NOT NULL,
    error         TEXT NOT NULL,
    attempts      INTEGER NOT NULL,
    first_died_at INTEGER NOT NULL,            -- Unix milliseconds
    died_at       INTEGER NOT NULL,            -- Unix milliseconds
    changed_at    INTEGER NOT NULL,            -- Unix milliseconds: of the state
    changed_by    TEXT NOT NULL,
    remark        TEXT,                   -- why it was discarded
    record_key    BLOB,
    headers       TEXT NOT NULL,          -- JSON: [[name, text or {"hex"}], ...] in order
    payload       BLOB NOT NULL
) STRICT;

CREATE INDEX letters_by_job ON letters (job, state);
CREATE INDEX letters_by_state ON letters (state, code);

-- Each death of a letter: the last place of the record and what every attempt ended in.
CREATE TABLE deaths (
    letter     BLOB NOT NULL,               -- letters.id
    generation INTEGER NOT NULL,
    topic      TEXT NOT NULL,
    part       INTEGER NOT NULL,               -- partition
    place      INTEGER NOT NULL,               -- offset
    service    TEXT NOT NULL,
    instance   TEXT NOT NULL,
    version    TEXT NOT NULL,
    stage      TEXT NOT NULL,
    code       TEXT NOT NULL,
    class      TEXT NOT NULL,
    error      TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    failed_at  INTEGER NOT NULL,               -- Unix milliseconds
    history    TEXT NOT NULL,             -- JSON: the failed attempts, oldest first
    PRIMARY KEY (letter, generation)
) STRICT;
