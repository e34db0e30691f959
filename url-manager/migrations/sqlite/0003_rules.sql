-- What rules keep out, what hosts have used of a job's budgets, and what attempts died of.

-- Excluded URLs of each job by the code of the rule, kept in the transactions that move them.
CREATE TABLE exclusions (
    job  INTEGER NOT NULL REFERENCES jobs (id),
    code TEXT    NOT NULL,
    urls INTEGER NOT NULL,
    PRIMARY KEY (job, code)
) STRICT, WITHOUT ROWID;

-- What a job has used up at a host, where the job has budgets for hosts.
CREATE TABLE host_use (
    queue INTEGER PRIMARY KEY,  -- queues.id
    job   INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    since INTEGER NOT NULL      -- the first answer
) STRICT;

-- Failed attempts of the last fetch, as the retry lane or a dead letter tells: a JSON list, oldest first.
CREATE TABLE attempts (
    url     INTEGER PRIMARY KEY, -- urls.id
    history TEXT    NOT NULL
) STRICT;
