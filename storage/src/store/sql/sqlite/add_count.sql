INSERT INTO counts (job, outcome, pages) VALUES (?1, ?2, ?3)
ON CONFLICT (job, outcome) DO UPDATE SET pages = pages + excluded.pages
