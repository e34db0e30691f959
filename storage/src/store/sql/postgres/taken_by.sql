-- The messages whose effect a consumer has recorded.
SELECT id::text FROM message_ids WHERE consumer = $1
