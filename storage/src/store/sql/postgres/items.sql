-- {"job", "host", "since", "rules"}, each may be null; without rules those that each job used last.
SELECT jsonb_build_array(job, task, rules, position, type, url, fetched_at, data::text)::text
  FROM items, (SELECT $1::text::jsonb AS asked) AS question
 WHERE (asked ->> 'job' IS NULL OR job = (asked ->> 'job')::uuid)
   AND (asked ->> 'host' IS NULL OR split_part(url, '/', 3) = asked ->> 'host')
   AND (asked ->> 'since' IS NULL OR fetched_at >= (asked ->> 'since')::bigint)
   AND rules = coalesce(asked ->> 'rules', (SELECT rules FROM rule_sets WHERE rule_sets.job = items.job
                                             ORDER BY used_at DESC, rules LIMIT 1))
 ORDER BY seq
