-- What a page says beyond links and metadata, the items that rules make of pages, the names of jobs, and
-- archives. The table of pages is made anew so that the bulky columns stay last: a scan over the others never
-- reads them.
DROP VIEW links;

CREATE TABLE pages_anew (
    seq          INTEGER PRIMARY KEY,      -- the order of storing
    job          BLOB    NOT NULL,         -- UUID
    task         BLOB    NOT NULL,         -- UUID
    round        INTEGER NOT NULL,
    depth        INTEGER NOT NULL,
    url          TEXT    NOT NULL,
    final_url    TEXT    NOT NULL,         -- what answered; of a redirect, where it leads
    status       INTEGER CHECK (status BETWEEN 100 AND 999),
    outcome      TEXT    NOT NULL,         -- stored, unchanged, redirected, gone
    code         TEXT    NOT NULL,
    detail       TEXT,
    found_on     TEXT,
    fetched_at   INTEGER,                  -- Unix milliseconds
    stored_at    INTEGER NOT NULL,         -- Unix milliseconds
    content_type TEXT,
    body_bytes   INTEGER NOT NULL,
    title        TEXT,
    description  TEXT,
    lang         TEXT,
    canonical    TEXT,
    meta_robots  TEXT,
    body_hash    TEXT,
    content_hash TEXT,                     -- of the normalised text
    simhash      TEXT,
    text         TEXT,
    markdown     TEXT,
    structured   TEXT,                     -- JSON: {"author", "published", "meta", "json_ld", "microdata", ...}
    links        TEXT,                     -- JSON: [{"url", "raw", "text", "rel", "kind"}, ...]
    host         TEXT GENERATED ALWAYS AS (
        substr(url, instr(url, '://') + 3, instr(substr(url, instr(url, '://') + 3) || '/', '/') - 1)
    ) VIRTUAL,
    UNIQUE (job, task)
) STRICT;

INSERT INTO pages_anew (seq, job, task, round, depth, url, final_url, status, outcome, code, detail, found_on,
                        fetched_at, stored_at, content_type, body_bytes, title, description, lang, canonical,
                        meta_robots, text, links)
SELECT seq, job, task, round, depth, url, final_url, status, outcome, code, detail, found_on,
       fetched_at, stored_at, content_type, body_bytes, title, description, lang, canonical,
       meta_robots, text, links
  FROM pages;

DROP TABLE pages;
ALTER TABLE pages_anew RENAME TO pages;

CREATE INDEX pages_fetched_again ON pages (job, url) WHERE round > 0;
CREATE INDEX pages_by_hash ON pages (content_hash) WHERE content_hash IS NOT NULL;
-- Indexes by host, status and time are made when somebody first asks (`indexes.sql`): kept up while a crawl
-- runs, they would cost every page.

-- A row for each link would cost more than the fetch; ask this view instead.
CREATE VIEW links AS
SELECT pages.job,
       pages.task,
       pages.url                              AS page,
       link.key                               AS position,
       link.value ->> 'url'                   AS url,
       coalesce(link.value ->> 'text', '')    AS text,
       link.value ->> 'rel'                   AS rel,
       link.value ->> 'kind'                  AS kind
  FROM pages, json_each(pages.links) AS link;

-- What rules made of a page, a row each. Other rules over the same pages have rows of their own.
CREATE TABLE items (
    seq        INTEGER PRIMARY KEY,        -- the order of storing
    job        BLOB    NOT NULL,
    task       BLOB    NOT NULL,
    rules      TEXT    NOT NULL,           -- hash of the rules
    position   INTEGER NOT NULL,           -- among the items of the page
    type       TEXT    NOT NULL,
    url        TEXT    NOT NULL,           -- the page
    fetched_at INTEGER,                    -- Unix milliseconds
    data       TEXT    NOT NULL,           -- JSON: the item
    UNIQUE (job, rules, task, position)
) STRICT;

CREATE INDEX items_by_type ON items (job, type);

-- The rules that made a job's items; the one that was used last is the one whose items are shown.
CREATE TABLE rule_sets (
    job     BLOB    NOT NULL,
    rules   TEXT    NOT NULL,
    used_at INTEGER NOT NULL,              -- Unix milliseconds
    PRIMARY KEY (job, rules)
) STRICT, WITHOUT ROWID;

-- Names of jobs: a seed brings its job's.
CREATE TABLE jobs (
    id   BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX jobs_by_name ON jobs (name);

-- How far each output file holds rows that are in the tables as well; of an output in several files, the last.
ALTER TABLE outputs ADD COLUMN segment  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outputs ADD COLUMN began_at INTEGER NOT NULL DEFAULT 0;  -- Unix milliseconds

-- Archives: WARC files, and whose pages are in them. What else is known of one stands in `outputs`.
CREATE TABLE archives (
    path    TEXT    NOT NULL PRIMARY KEY,
    job     BLOB,                          -- one job's, or anybody's
    rotates INTEGER NOT NULL               -- whether it has a number for each file
) STRICT, WITHOUT ROWID;

-- The payloads in an archive: a page that has one again refers to it.
CREATE TABLE captures (
    archive TEXT    NOT NULL,
    digest  TEXT    NOT NULL,
    record  BLOB    NOT NULL,              -- id of the record
    url     TEXT    NOT NULL,
    date    TEXT    NOT NULL,              -- as in the record
    PRIMARY KEY (archive, digest)
) STRICT, WITHOUT ROWID;
