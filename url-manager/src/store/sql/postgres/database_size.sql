-- Bytes of the schema's tables with their indexes.
SELECT json_build_array(coalesce(sum(pg_total_relation_size(oid)), 0)::bigint)::text
  FROM pg_class
 WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
