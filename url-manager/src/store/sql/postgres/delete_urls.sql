-- Some URLs of a job that is deleted.
DELETE FROM urls
 WHERE id IN (SELECT u.id FROM queues AS q CROSS JOIN urls AS u WHERE u.queue = q.id AND q.job = $1 LIMIT $2)
