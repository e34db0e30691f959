-- The outcome of a stored page, unless it is newer than what arrived.
SELECT outcome FROM pages WHERE job = ?1 AND task = ?2 AND coalesce(fetched_at, 0) <= coalesce(?3, 0)
