-- Slots were given away.
WITH input(id, next_at) AS (
    SELECT (line ->> 0)::bigint, (line ->> 1)::bigint
      FROM json_array_elements($1::json) AS line
)
UPDATE hosts SET next_at = input.next_at FROM input WHERE hosts.id = input.id
