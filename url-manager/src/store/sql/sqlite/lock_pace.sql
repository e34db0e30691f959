-- The next slot of all hosts together. In PostgreSQL nobody else gives URLs out until the transaction ends.
SELECT json_group_array(next_at_us) FROM pace
