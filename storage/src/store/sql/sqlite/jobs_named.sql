-- The jobs of a name, the newest first: ids hold the time they were made at.
SELECT hex(id) FROM jobs WHERE name = ?1 ORDER BY id DESC
