-- The frontier. Times are Unix milliseconds; `state` is a number of `UrlState` (src/state.rs):
-- 0 queued, 1 in flight, 2 stored, 3 unchanged, 4 redirected, 5 excluded, 6 gone, 7 dead.

CREATE TABLE jobs (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid        TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL UNIQUE,
    spec        TEXT    NOT NULL,           -- JSON: JobSpec
    state       TEXT    NOT NULL,           -- running, paused, stopped, done
    generation  BIGINT NOT NULL DEFAULT 0, -- raised when the scope widens: what was judged before is judged anew
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);

-- What a job's scope hangs on: hosts, registrable domains or prefixes, by the kind of its scope.
CREATE TABLE anchors (
    job    BIGINT NOT NULL REFERENCES jobs (id),
    anchor TEXT    NOT NULL,
    PRIMARY KEY (job, anchor)
);

-- URLs of each job by state, kept in the transactions that move them: no status ever counts rows.
CREATE TABLE counts (
    job   BIGINT NOT NULL REFERENCES jobs (id),
    state SMALLINT NOT NULL,
    urls  BIGINT NOT NULL,
    PRIMARY KEY (job, state)
);

-- Politeness belongs to the host, whichever job asks.
CREATE TABLE hosts (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host           TEXT    NOT NULL UNIQUE,    -- host key
    crawl_delay_ms BIGINT NOT NULL DEFAULT 0, -- as robots.txt was last read
    next_at        BIGINT NOT NULL DEFAULT 0  -- the next slot for a request
);

-- One job's URLs on one host. What is shared out fairly are queues.
CREATE TABLE queues (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job      BIGINT NOT NULL REFERENCES jobs (id),
    host     BIGINT NOT NULL REFERENCES hosts (id),
    queued   BIGINT NOT NULL DEFAULT 0,
    leased   BIGINT NOT NULL DEFAULT 0,
    ahead    BIGINT NOT NULL,                -- most URLs leased at once
    ready_at BIGINT NOT NULL DEFAULT 0,      -- its turn: the host's next slot, or when it was served last
    UNIQUE (job, host)
);

CREATE INDEX queues_waiting ON queues (job, ready_at) WHERE queued > 0;

-- One row for each URL that entered a job. Rows are appended and leave a queue in about the order they
-- came in, so the rows of a batch lie together. The key is a hash whose first bytes are those of the
-- URL's folder (src/key.rs): links of one page land on few pages of the index, however large it is.
CREATE TABLE urls (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue       BIGINT NOT NULL,
    key         UUID    NOT NULL,
    state       SMALLINT NOT NULL,
    priority    SMALLINT NOT NULL DEFAULT 0,
    depth       INTEGER NOT NULL,           -- links between a seed and the URL, on the shortest way found
    parent      BIGINT,                    -- urls.id of the page it was found on; none for a seed
    redirects   SMALLINT NOT NULL,
    round       INTEGER NOT NULL DEFAULT 0,
    dispatches  INTEGER NOT NULL DEFAULT 0,
    failures    INTEGER NOT NULL DEFAULT 0, -- failed attempts, as the retry lane and dead letters tell
    evidence    INTEGER NOT NULL DEFAULT 0, -- which fact decided the state (src/state.rs)
    lease_until BIGINT,
    status      SMALLINT,                    -- HTTP
    found_at    BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    code        TEXT,
    url         TEXT    NOT NULL,
    detail      TEXT,
    redirect_to TEXT
);

CREATE UNIQUE INDEX urls_seen ON urls (queue, key);
CREATE INDEX urls_queued ON urls (queue, priority DESC, depth, id) WHERE state = 0;
CREATE INDEX urls_leased ON urls (lease_until) WHERE state = 1;
