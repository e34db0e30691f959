SELECT id FROM letters WHERE state = 'open' ORDER BY seq
