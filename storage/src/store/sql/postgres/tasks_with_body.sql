-- The tasks of a job that brought a page.
SELECT task::text FROM pages WHERE job = $1::uuid AND outcome = 'stored'
