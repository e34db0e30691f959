-- Slots of all hosts together were given away.
UPDATE pace SET next_at_us = $1::bigint
