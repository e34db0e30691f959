-- What rules keep out, what hosts have used of a job's budgets, and what attempts died of.

-- Excluded URLs of each job by the code of the rule, kept in the transactions that move them.
CREATE TABLE exclusions (
    job  BIGINT NOT NULL REFERENCES jobs (id),
    code TEXT    NOT NULL,
    urls BIGINT NOT NULL,
    PRIMARY KEY (job, code)
);

-- What a job has used up at a host, where the job has budgets for hosts.
CREATE TABLE host_use (
    queue BIGINT PRIMARY KEY,  -- queues.id
    job   BIGINT NOT NULL,
    pages BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    since BIGINT NOT NULL      -- the first answer
);

-- Failed attempts of the last fetch, as the retry lane or a dead letter tells: a JSON list, oldest first.
CREATE TABLE attempts (
    url     BIGINT PRIMARY KEY, -- urls.id
    history TEXT    NOT NULL
);
