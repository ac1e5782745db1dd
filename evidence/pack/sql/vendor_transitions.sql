SELECT t.id, v.slug AS vendor, t.from_state, t.to_state, t.reason, b.email AS by, t.at
FROM vendors_vendortransition t
JOIN vendors_vendor v ON v.id = t.vendor_id
LEFT JOIN {users} b ON b.id = t.by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY t.id
