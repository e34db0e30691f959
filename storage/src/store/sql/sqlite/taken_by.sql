-- The messages whose effect a consumer has recorded.
SELECT lower(hex(id)) FROM message_ids WHERE consumer = ?1
