-- The next slot of all hosts together. In PostgreSQL nobody else gives URLs out until the transaction ends.
WITH locked AS (SELECT next_at_us FROM pace FOR UPDATE)
SELECT json_agg(next_at_us)::text FROM locked
