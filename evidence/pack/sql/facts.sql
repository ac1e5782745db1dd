SELECT f.id, v.slug AS vendor, s.slug AS service, f.dimension, f.value, f.number, f.detail,
       f.model_pattern, f.region, f.endpoint, f.plan, f.grade, f.source, f.page, f.verified_on,
       u.email AS verified_by, f.expires_on, f.recorded_on
FROM vendors_fact f
JOIN vendors_service s ON s.id = f.service_id
JOIN vendors_vendor v ON v.id = s.vendor_id
LEFT JOIN {users} u ON u.id = f.verified_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY f.id
