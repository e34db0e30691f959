-- What people ask pages by. SQLite gets these when somebody first asks.
CREATE INDEX IF NOT EXISTS pages_by_host ON pages (job, host);
CREATE INDEX IF NOT EXISTS pages_by_status ON pages (job, status);
CREATE INDEX IF NOT EXISTS pages_by_time ON pages (job, fetched_at);
CREATE INDEX IF NOT EXISTS pages_by_body ON pages (body_hash) WHERE body_hash IS NOT NULL;
