-- The archives that may hold pages of a job.
SELECT json_array(archives.path, rotates, segment)
  FROM archives JOIN outputs ON outputs.path = archives.path
 WHERE job IS NULL OR ?1 = '' OR job = unhex(replace(?1, '-', ''))
 ORDER BY archives.path
