-- Somebody decided so.
UPDATE jobs SET state = ? WHERE uuid = ?
