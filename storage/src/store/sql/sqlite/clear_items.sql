-- An array of {"job", "task", "rules"}: their items, before others take their place.
DELETE FROM items
 WHERE (job, rules, task) IN (
    SELECT unhex(replace(value ->> 'job', '-', '')), value ->> 'rules', unhex(replace(value ->> 'task', '-', ''))
      FROM json_each(?1))
