-- An array of {"job", "rules", "at"}.
INSERT INTO rule_sets AS known (job, rules, used_at)
SELECT job, rules, at FROM jsonb_to_recordset($1::text::jsonb) AS used (job uuid, rules text, at bigint)
 ORDER BY job, rules
ON CONFLICT (job, rules) DO UPDATE SET used_at = greatest(known.used_at, excluded.used_at)
