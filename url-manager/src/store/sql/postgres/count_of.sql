-- One kept count of a job.
SELECT json_agg(urls)::text FROM counts WHERE job = $1::bigint AND state = $2::bigint
