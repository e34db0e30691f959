INSERT INTO events (letter, at, state, done_by, remark, generation) VALUES ($1, $2, $3, $4, $5, $6)
