-- Other settings: what was judged before is judged anew.
UPDATE jobs SET spec = ?, generation = generation + 1 WHERE uuid = ?
