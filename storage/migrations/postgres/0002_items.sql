-- What a page says beyond links and metadata, the items that rules make of pages, the names of jobs, and
-- archives.
ALTER TABLE pages ADD COLUMN body_hash    TEXT;
ALTER TABLE pages ADD COLUMN content_hash TEXT;   -- of the normalised text
ALTER TABLE pages ADD COLUMN simhash      TEXT;
ALTER TABLE pages ADD COLUMN markdown     TEXT;
ALTER TABLE pages ADD COLUMN structured   JSONB;  -- {"author", "published", "meta", "json_ld", "microdata", ...}
ALTER TABLE pages ADD COLUMN host         TEXT GENERATED ALWAYS AS (split_part(url, '/', 3)) STORED;

CREATE INDEX pages_by_host ON pages (job, host);
CREATE INDEX pages_by_body ON pages (body_hash) WHERE body_hash IS NOT NULL;
CREATE INDEX pages_by_hash ON pages (content_hash) WHERE content_hash IS NOT NULL;

-- What rules made of a page, a row each. Other rules over the same pages have rows of their own.
CREATE TABLE items (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the order of storing
    job        UUID   NOT NULL,
    task       UUID   NOT NULL,
    rules      TEXT   NOT NULL,            -- hash of the rules
    position   BIGINT NOT NULL,            -- among the items of the page
    type       TEXT   NOT NULL,
    url        TEXT   NOT NULL,            -- the page
    fetched_at BIGINT,                     -- Unix milliseconds
    data       JSONB  NOT NULL,            -- the item
    UNIQUE (job, rules, task, position)
);

CREATE INDEX items_by_type ON items (job, type);

-- The rules that made a job's items; the one that was used last is the one whose items are shown.
CREATE TABLE rule_sets (
    job     UUID   NOT NULL,
    rules   TEXT   NOT NULL,
    used_at BIGINT NOT NULL,               -- Unix milliseconds
    PRIMARY KEY (job, rules)
);

-- Names of jobs: a seed brings its job's.
CREATE TABLE jobs (
    id   UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE INDEX jobs_by_name ON jobs (name);

-- How far each output file holds rows that are in the tables as well; of an output in several files, the last.
ALTER TABLE outputs ADD COLUMN segment  BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outputs ADD COLUMN began_at BIGINT NOT NULL DEFAULT 0;  -- Unix milliseconds

-- Archives: WARC files, and whose pages are in them. What else is known of one stands in `outputs`.
CREATE TABLE archives (
    path    TEXT    NOT NULL PRIMARY KEY,
    job     UUID,                          -- one job's, or anybody's
    rotates BOOLEAN NOT NULL               -- whether it has a number for each file
);

-- The payloads in an archive: a page that has one again refers to it.
CREATE TABLE captures (
    archive TEXT NOT NULL,
    digest  TEXT NOT NULL,
    record  UUID NOT NULL,                 -- id of the record
    url     TEXT NOT NULL,
    date    TEXT NOT NULL,                 -- as in the record
    PRIMARY KEY (archive, digest)
);
