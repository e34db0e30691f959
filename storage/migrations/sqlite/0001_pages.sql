-- One row for each task that the site answered: a page, a redirect, or word that there is nothing.
-- A task is a job, a URL and a fetch round, and its id is derived from them: so a URL's first row is
-- found by its task id, and an index over URLs holds later rounds only (a full one would make storing
-- a page dearer by a tenth). The bulky columns stand last: a scan over the others never reads them.
CREATE TABLE pages (
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
    text         TEXT,
    links        TEXT,                     -- JSON: [{"url", "raw", "text", "rel", "kind"}, ...]
    UNIQUE (job, task)
) STRICT;

CREATE INDEX pages_fetched_again ON pages (job, url) WHERE round > 0;

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

-- The messages whose effect is in the tables: written with it, in one transaction.
CREATE TABLE message_ids (
    id       BLOB    NOT NULL,             -- UUID
    consumer TEXT    NOT NULL,
    at       INTEGER NOT NULL,             -- Unix milliseconds
    PRIMARY KEY (id, consumer)
) STRICT, WITHOUT ROWID;

-- Pages of each job by outcome, so that no count reads the pages.
CREATE TABLE counts (
    job     BLOB    NOT NULL,
    outcome TEXT    NOT NULL,
    pages   INTEGER NOT NULL,
    PRIMARY KEY (job, outcome)
) STRICT, WITHOUT ROWID;

-- How far each output file holds rows that are in the tables as well.
CREATE TABLE outputs (
    path  TEXT    NOT NULL PRIMARY KEY,
    bytes INTEGER NOT NULL,
    rows  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
