SELECT at, state, done_by, remark, generation FROM events WHERE letter = $1 ORDER BY at, seq
