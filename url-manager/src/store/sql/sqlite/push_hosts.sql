-- Hosts that must not be asked before a time: their next slots are not before it.
WITH input(id, next_at) AS (VALUES {rows})
UPDATE hosts SET next_at = input.next_at FROM input WHERE hosts.id = input.id AND hosts.next_at < input.next_at
