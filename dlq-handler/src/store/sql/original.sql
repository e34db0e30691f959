SELECT topic, record_key, headers, payload FROM letters WHERE id = $1
