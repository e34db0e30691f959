-- What rules keep out of a job.
SELECT json_agg(json_build_array(code, urls))::text FROM exclusions WHERE job = $1 AND urls > 0
