INSERT INTO outputs (path, bytes, rows, segment, began_at) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (path) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows, segment = excluded.segment,
                                 began_at = excluded.began_at
