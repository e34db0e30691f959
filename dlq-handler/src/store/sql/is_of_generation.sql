SELECT 1 FROM letters WHERE id = $1 AND generation = $2
