SELECT c.id, v.slug AS vendor, c.review_id, c.text, c.due_on, o.email AS owner, s.email AS set_by,
       c.set_on, m.email AS met_by, c.met_on, c.met_note, d.sha256 AS evidence_sha256,
       w.email AS waived_by, c.waived_on, c.waive_reason
FROM vendors_vendorcondition c
JOIN vendors_vendor v ON v.id = c.vendor_id
LEFT JOIN vendors_document d ON d.id = c.evidence_id
LEFT JOIN {users} o ON o.id = c.owner_id
LEFT JOIN {users} s ON s.id = c.set_by_id
LEFT JOIN {users} m ON m.id = c.met_by_id
LEFT JOIN {users} w ON w.id = c.waived_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY c.id
