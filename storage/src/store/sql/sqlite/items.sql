-- {"job", "host", "since", "rules"}, each may be null; without rules those that each job used last.
SELECT json_array(hex(job), hex(task), rules, position, type, url, fetched_at, data)
  FROM items
 WHERE (?1 ->> 'job' IS NULL OR job = unhex(replace(?1 ->> 'job', '-', '')))
   AND (?1 ->> 'host' IS NULL
        OR substr(url, instr(url, '://') + 3, length(?1 ->> 'host') + 1) = (?1 ->> 'host') || '/')
   AND (?1 ->> 'since' IS NULL OR fetched_at >= ?1 ->> 'since')
   AND rules = coalesce(?1 ->> 'rules', (SELECT rules FROM rule_sets WHERE rule_sets.job = items.job
                                          ORDER BY used_at DESC, rules LIMIT 1))
 ORDER BY seq
