-- The counts of a job that is deleted.
DELETE FROM counts WHERE job = ?
