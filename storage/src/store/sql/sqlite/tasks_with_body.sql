-- The tasks of a job that brought a page.
SELECT lower(hex(task)) FROM pages WHERE job = unhex(replace(?1, '-', '')) AND outcome = 'stored'
