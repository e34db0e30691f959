-- One kept count of a job.
SELECT json_group_array(urls) FROM counts WHERE job = ? AND state = ?
