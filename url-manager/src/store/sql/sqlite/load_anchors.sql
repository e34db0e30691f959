-- What a scope hangs on.
SELECT json_group_array(anchor) FROM anchors WHERE job = ?
