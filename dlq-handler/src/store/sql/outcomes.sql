SELECT state, generation FROM letters WHERE id = $1
