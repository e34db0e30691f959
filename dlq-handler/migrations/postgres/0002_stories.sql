-- What a letter is also asked for by, and its whole history.
ALTER TABLE letters ADD COLUMN instance TEXT NOT NULL DEFAULT '';
ALTER TABLE letters ADD COLUMN version TEXT NOT NULL DEFAULT '';
ALTER TABLE letters ADD COLUMN causation UUID;
ALTER TABLE letters ADD COLUMN trace TEXT;

UPDATE letters
   SET instance = COALESCE((SELECT instance FROM deaths
                             WHERE letter = letters.id AND deaths.generation = letters.generation), ''),
       version = COALESCE((SELECT version FROM deaths
                            WHERE letter = letters.id AND deaths.generation = letters.generation), '');

ALTER TABLE deaths ADD COLUMN made_at BIGINT;      -- Unix milliseconds: of the record
ALTER TABLE deaths ADD COLUMN causes TEXT NOT NULL DEFAULT '[]'; -- JSON: outermost first
ALTER TABLE deaths ADD COLUMN edited BYTEA;     -- the payload, where it is not that of the letter

CREATE INDEX letters_by_death ON letters (died_at);
CREATE INDEX letters_by_host ON letters (host);
CREATE INDEX letters_by_task ON letters (task);

-- Who did what about a letter, when and why.
CREATE TABLE events (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    letter     UUID NOT NULL,              -- letters.id
    at         BIGINT NOT NULL,               -- Unix milliseconds
    state      TEXT NOT NULL,
    done_by    TEXT NOT NULL,
    remark     TEXT,
    generation BIGINT NOT NULL                -- replays before
);

CREATE INDEX events_by_letter ON events (letter, at);

INSERT INTO events (letter, at, state, done_by, remark, generation)
SELECT id, changed_at, state, changed_by, remark, generation FROM letters;
