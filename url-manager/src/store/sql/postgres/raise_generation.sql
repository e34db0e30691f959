-- The scope of a job has widened; answers how often by now. Until the transaction ends, no batch of the job begins.
UPDATE jobs SET generation = generation + 1 WHERE id = $1::bigint RETURNING json_build_array(generation)::text
