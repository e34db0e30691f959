-- Those whose lease ended before a time, and one that stops, are gone.
DELETE FROM managers WHERE lease_until <= ? OR id = ?
