-- The addresses that hosts answer from.
WITH input(id, address) AS (VALUES {rows})
UPDATE hosts SET address = input.address FROM input WHERE hosts.id = input.id
