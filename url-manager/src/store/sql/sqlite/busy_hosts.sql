-- What hosts have in flight, with the domain and the address that they share with others.
SELECT json_group_array(json_array(h.domain, h.address, q.leased))
  FROM queues AS q CROSS JOIN hosts AS h ON h.id = q.host
 WHERE q.leased > 0
