-- The shards of a url-manager whose lease has not ended. In PostgreSQL they stay so until the transaction ends.
WITH locked AS (
    SELECT s.shard
      FROM managers AS m JOIN shards AS s ON s.owner = m.id
     WHERE m.id = $1::text AND m.lease_until > $2::bigint
     ORDER BY s.shard
       FOR SHARE OF s
)
SELECT json_agg(shard)::text FROM locked
