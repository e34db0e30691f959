-- One row for each task that the site answered: a page, a redirect, or word that there is nothing.
-- A task is a job, a URL and a fetch round.
CREATE TABLE pages (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- the order of storing
    job          UUID    NOT NULL,
    task         UUID    NOT NULL,
    round        BIGINT  NOT NULL,
    depth        BIGINT  NOT NULL,
    url          TEXT    NOT NULL,
    final_url    TEXT    NOT NULL,         -- what answered; of a redirect, where it leads
    status       INTEGER CHECK (status BETWEEN 100 AND 999),
    outcome      TEXT    NOT NULL,         -- stored, unchanged, redirected, gone
    code         TEXT    NOT NULL,
    detail       TEXT,
    found_on     TEXT,
    fetched_at   BIGINT,                   -- Unix milliseconds
    stored_at    BIGINT  NOT NULL,         -- Unix milliseconds
    content_type TEXT,
    body_bytes   BIGINT  NOT NULL,
    title        TEXT,
    description  TEXT,
    lang         TEXT,
    canonical    TEXT,
    meta_robots  TEXT,
    text         TEXT,
    links        JSONB,                    -- [{"url", "raw", "text", "rel", "kind"}, ...]
    UNIQUE (job, task)
);

-- Hashed: a URL may be longer than an entry of a B-tree.
CREATE INDEX pages_by_url ON pages USING hash (url);
CREATE INDEX pages_by_status ON pages (job, status);
CREATE INDEX pages_by_time ON pages (job, fetched_at);

-- A row for each link would cost more than the fetch; ask this view instead.
CREATE VIEW links AS
SELECT pages.job,
       pages.task,
       pages.url                              AS page,
       link.ordinality - 1                    AS position,
       link.value ->> 'url'                   AS url,
       coalesce(link.value ->> 'text', '')    AS text,
       link.value ->> 'rel'                   AS rel,
       link.value ->> 'kind'                  AS kind
  FROM pages, jsonb_array_elements(pages.links) WITH ORDINALITY AS link;

-- The messages whose effect is in the tables: written with it, in one transaction.
CREATE TABLE message_ids (
    id       UUID   NOT NULL,
    consumer TEXT   NOT NULL,
    at       BIGINT NOT NULL,              -- Unix milliseconds
    PRIMARY KEY (id, consumer)
);

-- Pages of each job by outcome, so that no count reads the pages.
CREATE TABLE counts (
    job     UUID   NOT NULL,
    outcome TEXT   NOT NULL,
    pages   BIGINT NOT NULL,
    PRIMARY KEY (job, outcome)
);

-- How far each output file holds rows that are in the tables as well.
CREATE TABLE outputs (
    path  TEXT   NOT NULL PRIMARY KEY,
    bytes BIGINT NOT NULL,
    rows  BIGINT NOT NULL
);
