-- Shards change hands.
WITH input(shard, owner) AS (VALUES {rows})
UPDATE shards SET owner = input.owner FROM input WHERE shards.shard = input.shard
