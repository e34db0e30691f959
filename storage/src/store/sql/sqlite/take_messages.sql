-- What comes back is new. The program repeats the last group for each message.
INSERT INTO message_ids (id, consumer, at)
VALUES (?, ?, ?)
ON CONFLICT DO NOTHING
RETURNING id
