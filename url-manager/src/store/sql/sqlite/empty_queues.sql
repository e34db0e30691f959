-- The queues of a job that is deleted. Queues are never deleted: who remembers one would meet another.
UPDATE queues SET queued = 0, leased = 0 WHERE job = ?
