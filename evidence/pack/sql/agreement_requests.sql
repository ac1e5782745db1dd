SELECT q.id, v.slug AS vendor, q.kind, q.state, o.email AS owner, q.opened_on, q.due_on,
       p.reference AS renews_reference, p.version AS renews_version,
       a.reference AS agreement_reference, a.version AS agreement_version,
       ARRAY(SELECT s.slug::text FROM vendors_agreementrequest_services w
             JOIN vendors_service s ON s.id = w.service_id
             WHERE w.agreementrequest_id = q.id ORDER BY s.slug) AS services
FROM vendors_agreementrequest q
JOIN vendors_vendor v ON v.id = q.vendor_id
LEFT JOIN vendors_agreement p ON p.id = q.renews_id
LEFT JOIN vendors_agreement a ON a.id = q.agreement_id
LEFT JOIN {users} o ON o.id = q.owner_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY q.id
