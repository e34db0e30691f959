-- Shards and their owners. Until the transaction ends nobody changes an owner, or gives a URL of a shard out.
SELECT json_group_array(json_array(shard, owner)) FROM (SELECT shard, owner FROM shards ORDER BY shard)
