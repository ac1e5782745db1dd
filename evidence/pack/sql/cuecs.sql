SELECT c.id, v.slug AS vendor, c.report_id, c.reference, c.text, c.page, c.state, c.our_control,
       o.email AS owner, c.evidence, d.sha256 AS evidence_sha256, c.assessed_on,
       b.email AS assessed_by, c.carried_from_id
FROM vendors_cuec c
JOIN vendors_assurancereport a ON a.id = c.report_id
JOIN vendors_vendor v ON v.id = a.vendor_id
LEFT JOIN vendors_document d ON d.id = c.evidence_document_id
LEFT JOIN {users} o ON o.id = c.owner_id
LEFT JOIN {users} b ON b.id = c.assessed_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY c.id
