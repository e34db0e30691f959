-- What a scope hangs on.
SELECT json_agg(anchor)::text FROM anchors WHERE job = $1::bigint
