-- Not where the letter was opened again in the meantime: that death is news. And a replay that was handled before
-- somebody noted that it was sent has succeeded all the same.
UPDATE letters
   SET state = $3, changed_at = $4, changed_by = $5, remark = $6
 WHERE id = $1 AND generation = $2 AND (state <> 'resolved' OR $3 <> 'replayed')
