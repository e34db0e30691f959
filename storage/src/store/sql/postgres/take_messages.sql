-- What comes back is new.
INSERT INTO message_ids (id, consumer, at)
SELECT id, $2, $3 FROM unnest($1::uuid[]) AS id
ON CONFLICT DO NOTHING
RETURNING id
