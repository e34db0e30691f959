-- An array of {"job", "rules", "at"}.
INSERT INTO rule_sets (job, rules, used_at)
SELECT unhex(replace(value ->> 'job', '-', '')), value ->> 'rules', value ->> 'at' FROM json_each(?1)
 WHERE true
ON CONFLICT (job, rules) DO UPDATE SET used_at = max(used_at, excluded.used_at)
