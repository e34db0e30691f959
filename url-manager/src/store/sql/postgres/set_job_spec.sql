-- Other settings: what was judged before is judged anew.
UPDATE jobs SET spec = $1, generation = generation + 1 WHERE uuid = $2
