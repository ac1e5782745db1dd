SELECT c.id, v.slug AS vendor, c.report_id, c.text, c.due_on, o.email AS owner, c.state,
       c.closed_on, b.email AS closed_by, c.note
FROM vendors_reportcondition c
JOIN vendors_assurancereport a ON a.id = c.report_id
JOIN vendors_vendor v ON v.id = a.vendor_id
LEFT JOIN {users} o ON o.id = c.owner_id
LEFT JOIN {users} b ON b.id = c.closed_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY c.id
