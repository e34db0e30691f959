-- Slots were given away.
WITH input(id, next_at) AS (VALUES {rows})
UPDATE hosts SET next_at = input.next_at FROM input WHERE hosts.id = input.id
