-- Shards and their owners. Until the transaction ends nobody changes an owner, or gives a URL of a shard out.
WITH locked AS (SELECT shard, owner FROM shards ORDER BY shard FOR UPDATE)
SELECT json_agg(json_build_array(shard, owner))::text FROM locked
