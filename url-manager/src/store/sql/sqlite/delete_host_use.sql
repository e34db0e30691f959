-- What a job that is deleted had used up.
DELETE FROM host_use WHERE job = ?
