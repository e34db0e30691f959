-- As it died last: its headers are of that death, and its payload is the one that was sent then.
SELECT topic, record_key, headers,
       COALESCE((SELECT edited FROM deaths
                  WHERE deaths.letter = letters.id AND deaths.generation = letters.generation), payload) AS payload
  FROM letters
 WHERE id = $1
