-- The payload of a replay, where it is another one than the letter's: somebody edited it.
UPDATE deaths
   SET edited = $3
 WHERE letter = $1 AND generation = $2
   AND EXISTS (SELECT 1 FROM letters WHERE id = $1 AND payload <> $3)
