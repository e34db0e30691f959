-- The end of a job that is deleted: its name is free.
UPDATE jobs SET name = uuid, spec = '{}' WHERE id = ?
