SELECT w.id, v.slug AS vendor, w.state, b.email AS started_by, w.started_on, w.outcome,
       r.email AS reviewed_by, w.reviewed_on, w.next_on, w.note, w.digest, w.snapshot
FROM vendors_vendorreview w
JOIN vendors_vendor v ON v.id = w.vendor_id
LEFT JOIN {users} b ON b.id = w.started_by_id
LEFT JOIN {users} r ON r.id = w.reviewed_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY w.id
