-- The replay behind this death was handled. What somebody discarded meanwhile stays so.
UPDATE letters
   SET state = 'resolved', changed_at = $3, changed_by = $4, remark = NULL
 WHERE id = $1 AND generation < $2 AND state IN ('open', 'replayed')
