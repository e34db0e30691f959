-- Whose turn it is among several url-managers, what hosts share with others, and when pages are fetched again.

-- Who runs. One that does not renew its lease is gone, and its shards are free.
CREATE TABLE managers (
    id          TEXT    PRIMARY KEY,
    lease_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Hosts by the hash of their registrable domain. URLs are given out by the shard's owner only. (A SQLite file has
-- one writer at a time, which is enough: there nobody asks for shards.)
CREATE TABLE shards (
    shard INTEGER PRIMARY KEY,
    owner TEXT                       -- managers.id
) STRICT;
INSERT INTO shards (shard)
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 63)
SELECT n FROM numbers;

-- The next slot of all hosts together, in microseconds. Whoever gives URLs out holds this row: budgets and caps that
-- span hosts are exact because of it.
CREATE TABLE pace (
    next_at_us INTEGER NOT NULL
) STRICT;
INSERT INTO pace VALUES (0);

-- Registrable domain, empty for hosts from before this column; the address that answered last.
ALTER TABLE hosts ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE hosts ADD COLUMN address TEXT;
ALTER TABLE queues ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;
CREATE INDEX queues_busy ON queues (host) WHERE leased > 0;

-- Pages that are fetched again, and what is known of the version that was seen last.
CREATE TABLE revisits (
    url           INTEGER PRIMARY KEY, -- urls.id
    job           INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    interval_ms   INTEGER NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    content_hash  TEXT
) STRICT;

CREATE INDEX revisits_due ON revisits (job, due_at);
