-- Before an archive of that name begins anew.
DELETE FROM captures WHERE archive = ?1
