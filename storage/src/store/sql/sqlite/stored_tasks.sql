SELECT task FROM pages WHERE job = ?1 ORDER BY task
