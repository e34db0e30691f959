INSERT INTO counts AS stored (job, outcome, pages) VALUES ($1, $2, $3)
ON CONFLICT (job, outcome) DO UPDATE SET pages = stored.pages + excluded.pages
