-- A url-manager runs, or still does.
INSERT INTO managers (id, lease_until) VALUES ($1::text, $2::bigint)
    ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until
