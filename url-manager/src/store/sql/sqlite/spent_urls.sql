-- Some URLs that wait at hosts where a job's budget is used up.
WITH most(job, pages, bytes, since, urls) AS (VALUES (?, ?, ?, ?, ?))
SELECT json_group_array({url})
  FROM (SELECT urls.*
          FROM most
               CROSS JOIN queues AS q ON q.job = most.job AND q.queued > 0
               CROSS JOIN host_use AS h ON h.queue = q.id
                      AND (h.pages >= most.pages OR h.bytes >= most.bytes OR h.since <= most.since)
               CROSS JOIN urls ON urls.queue = q.id AND urls.state = 0
         LIMIT (SELECT urls FROM most)) AS u
