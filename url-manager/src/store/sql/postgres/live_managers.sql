-- Who else runs.
SELECT json_agg(id)::text FROM managers WHERE lease_until > $1::bigint
