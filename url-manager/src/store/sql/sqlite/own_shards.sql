-- The shards of a url-manager whose lease has not ended. In PostgreSQL they stay so until the transaction ends.
SELECT json_group_array(s.shard)
  FROM managers AS m CROSS JOIN shards AS s ON s.owner = m.id
 WHERE m.id = ? AND m.lease_until > ?
