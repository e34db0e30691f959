-- An array of {"job", "task", "rules"}: their items, before others take their place.
DELETE FROM items
 USING jsonb_to_recordset($1::text::jsonb) AS old (job uuid, task uuid, rules text)
 WHERE items.job = old.job AND items.rules = old.rules AND items.task = old.task
