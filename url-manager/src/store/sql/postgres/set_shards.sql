-- Shards change hands.
WITH input(shard, owner) AS (
    SELECT (line ->> 0)::bigint, line ->> 1
      FROM json_array_elements($1::json) AS line
)
UPDATE shards SET owner = input.owner FROM input WHERE shards.shard = input.shard
