-- What attempts died of, of the URLs of a job that is deleted.
DELETE FROM attempts
 WHERE EXISTS (SELECT 1
                 FROM urls AS u JOIN queues AS q ON q.id = u.queue
                WHERE u.id = attempts.url AND q.job = ?)
