-- One row for each message that died in a consumer group. Its id is derived from both, so the letter of
-- a message that dies again after a replay is the same letter, open again.
CREATE TABLE letters (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            UUID NOT NULL UNIQUE,     -- UUID
    message       UUID NOT NULL,            -- UUID of the message
    consumer      TEXT NOT NULL,          -- the consumer group: what a replay is addressed to
    state         TEXT NOT NULL CHECK (state IN ('open', 'replayed', 'resolved', 'discarded')),
    generation    BIGINT NOT NULL,            -- replays before the last death
    job           UUID,                     -- UUID
    task          UUID,                     -- UUID
    url           TEXT,
    host          TEXT,
    kind          TEXT,                   -- message type
    topic         TEXT NOT NULL,
    service       TEXT NOT NULL,
    stage         TEXT NOT NULL,
    code          TEXT NOT NULL,
    class         TEXT NOT NULL,
    error         TEXT NOT NULL,
    attempts      BIGINT NOT NULL,
    first_died_at BIGINT NOT NULL,            -- Unix milliseconds
    died_at       BIGINT NOT NULL,            -- Unix milliseconds
    changed_at    BIGINT NOT NULL,            -- Unix milliseconds: of the state
    changed_by    TEXT NOT NULL,
    remark        TEXT,                   -- why it was discarded
    record_key    BYTEA,
    headers       TEXT NOT NULL,          -- JSON: [[name, text or {"hex"}], ...] in order
    payload       BYTEA NOT NULL
);

CREATE INDEX letters_by_job ON letters (job, state);
CREATE INDEX letters_by_state ON letters (state, code);

-- Each death of a letter: the last place of the record and what every attempt ended in.
CREATE TABLE deaths (
    letter     UUID NOT NULL,               -- letters.id
    generation BIGINT NOT NULL,
    topic      TEXT NOT NULL,
    part       BIGINT NOT NULL,               -- partition
    place      BIGINT NOT NULL,               -- offset
    service    TEXT NOT NULL,
    instance   TEXT NOT NULL,
    version    TEXT NOT NULL,
    stage      TEXT NOT NULL,
    code       TEXT NOT NULL,
    class      TEXT NOT NULL,
    error      TEXT NOT NULL,
    attempts   BIGINT NOT NULL,
    failed_at  BIGINT NOT NULL,               -- Unix milliseconds
    history    TEXT NOT NULL,             -- JSON: the failed attempts, oldest first
    PRIMARY KEY (letter, generation)
);
