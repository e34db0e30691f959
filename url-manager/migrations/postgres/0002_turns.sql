-- Whose turn it is among several url-managers, what hosts share with others, and when pages are fetched again.

-- Who runs. One that does not renew its lease is gone, and its shards are free.
CREATE TABLE managers (
    id          TEXT    PRIMARY KEY,
    lease_until BIGINT NOT NULL
);

-- Hosts by the hash of their registrable domain. URLs are given out by the shard's owner only.
CREATE TABLE shards (
    shard BIGINT PRIMARY KEY,
    owner TEXT                       -- managers.id
);
INSERT INTO shards (shard) SELECT generate_series(0, 63);

-- The next slot of all hosts together, in microseconds. Whoever gives URLs out holds this row: budgets and caps that
-- span hosts are exact because of it.
CREATE TABLE pace (
    next_at_us BIGINT NOT NULL
);
INSERT INTO pace VALUES (0);

-- Registrable domain, empty for hosts from before this column; the address that answered last.
ALTER TABLE hosts ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE hosts ADD COLUMN address TEXT;
ALTER TABLE queues ADD COLUMN shard BIGINT NOT NULL DEFAULT 0;
CREATE INDEX queues_busy ON queues (host) WHERE leased > 0;

-- Pages that are fetched again, and what is known of the version that was seen last.
CREATE TABLE revisits (
    url           BIGINT PRIMARY KEY, -- urls.id
    job           BIGINT NOT NULL,
    due_at        BIGINT NOT NULL,
    interval_ms   BIGINT NOT NULL,
    etag          TEXT,
    last_modified TEXT,
    content_hash  TEXT
);

CREATE INDEX revisits_due ON revisits (job, due_at);
