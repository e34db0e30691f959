-- When the pages of a job that is deleted were due.
DELETE FROM revisits WHERE job = ?
