INSERT INTO outputs (path, bytes, rows) VALUES (?1, ?2, ?3)
ON CONFLICT (path) DO UPDATE SET bytes = excluded.bytes, rows = excluded.rows
