-- What rules keep out of a job.
SELECT json_group_array(json_array(code, urls)) FROM exclusions WHERE job = ? AND urls > 0
