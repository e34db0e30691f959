-- Not where the letter was opened again in the meantime: that death is news.
UPDATE letters
   SET state = $3, changed_at = $4, changed_by = $5, remark = $6
 WHERE id = $1 AND generation = $2
