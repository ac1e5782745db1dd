SELECT s.id, v.slug AS vendor, s.report_id, s.name, s.method, s.function, s.needs_own_report,
       s.own_report_id, s.page
FROM vendors_subservice s
JOIN vendors_assurancereport a ON a.id = s.report_id
JOIN vendors_vendor v ON v.id = a.vendor_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY s.id
