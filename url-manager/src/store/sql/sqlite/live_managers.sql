-- Who else runs.
SELECT json_group_array(id) FROM managers WHERE lease_until > ?
