-- What hosts have in flight, with the domain and the address that they share with others.
SELECT json_agg(json_build_array(h.domain, h.address, q.leased))::text
  FROM queues AS q JOIN hosts AS h ON h.id = q.host
 WHERE q.leased > 0
