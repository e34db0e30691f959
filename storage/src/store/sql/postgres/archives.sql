-- The archives that may hold pages of a job.
SELECT jsonb_build_array(archives.path, rotates::int, segment)::text
  FROM archives JOIN outputs ON outputs.path = archives.path
 WHERE job IS NULL OR $1 = '' OR job = nullif($1, '')::uuid
 ORDER BY archives.path
