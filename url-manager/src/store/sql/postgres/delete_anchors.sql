-- What a job's scope hung on.
DELETE FROM anchors WHERE job = $1
