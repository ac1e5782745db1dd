SELECT e.id, v.slug AS vendor, e.report_id, e.control, e.criterion, e.failed, e.sample_failed,
       e.sample_size, e.response, e.relevant, e.compensating, e.disposition, e.page
FROM vendors_reportexception e
JOIN vendors_assurancereport a ON a.id = e.report_id
JOIN vendors_vendor v ON v.id = a.vendor_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY e.id
