SELECT s.id, v.slug AS vendor, s.slug, s.name, s.provider, s.deployment, s.plan, s.endpoint_hosts,
       s.description, s.retired_on,
       ARRAY(SELECT m.pattern || ' (' || m.lifecycle || ')' FROM vendors_servicemodel m
             WHERE m.service_id = s.id ORDER BY m.pattern) AS models,
       ARRAY(SELECT r.region || ' ' || r.purpose || ' (' || r.guarantee || ')'
             FROM vendors_serviceregion r
             WHERE r.service_id = s.id ORDER BY r.region, r.purpose) AS regions,
       ARRAY(SELECT r.region || ' ' || r.purpose || ': ' || r.source
                    || CASE r.page WHEN '' THEN '' ELSE ', page ' || r.page END
             FROM vendors_serviceregion r WHERE r.service_id = s.id AND r.source <> ''
             ORDER BY r.region, r.purpose) AS region_sources
FROM vendors_service s
JOIN vendors_vendor v ON v.id = s.vendor_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY s.id
