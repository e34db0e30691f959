-- Generation and state of the jobs a batch touches. No scope widens until the batch is through.
WITH input(id) AS (VALUES {rows})
SELECT json_group_array(json_array(j.id, j.generation, j.state))
  FROM input CROSS JOIN jobs AS j ON j.id = input.id
