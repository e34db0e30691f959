-- What rules kept out of a job that is deleted.
DELETE FROM exclusions WHERE job = ?
