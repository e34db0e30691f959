-- Somebody decided so.
UPDATE jobs SET state = $1::text WHERE uuid = $2::text
