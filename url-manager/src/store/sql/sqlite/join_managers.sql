-- A url-manager runs, or still does.
WITH at(id, lease_until) AS (VALUES (?, ?))
INSERT INTO managers (id, lease_until)
SELECT id, lease_until FROM at WHERE true
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until
