SELECT i.id, v.slug AS vendor, i.review_id, w.state AS review_state, i.section, i.code, i.question,
       s.slug AS service, i.answer, i.note, i.agreement_id, i.report_id, i.fact_id,
       d.sha256 AS document_sha256
FROM vendors_reviewitem i
JOIN vendors_vendorreview w ON w.id = i.review_id
JOIN vendors_vendor v ON v.id = w.vendor_id
LEFT JOIN vendors_service s ON s.id = i.service_id
LEFT JOIN vendors_document d ON d.id = i.document_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY i.id
