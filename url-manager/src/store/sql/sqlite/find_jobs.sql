-- Jobs by id.
WITH input(uuid) AS (VALUES {rows})
SELECT json_group_array({job})
  FROM input CROSS JOIN jobs AS j ON j.uuid = input.uuid
