SELECT i.id, v.slug AS vendor, s.slug AS service, q.title AS questionnaire, q.version,
       q.digest AS questionnaire_digest, i.contact, i.state, i.sent_at, sender.email AS sent_by,
       i.mailed_at, i.expires_at,
       (SELECT count(*) FROM vendors_inquiryview w WHERE w.inquiry_id = i.id) AS openings,
       i.submitted_at,
       ARRAY(SELECT b.digest FROM vendors_submission b
             WHERE b.inquiry_id = i.id ORDER BY b.number) AS submission_digests,
       reviewer.email AS reviewed_by, i.reviewed_on
FROM vendors_inquiry i
JOIN vendors_questionnaire q ON q.id = i.questionnaire_id
JOIN vendors_vendor v ON v.id = i.vendor_id
LEFT JOIN vendors_service s ON s.id = i.service_id
LEFT JOIN {users} sender ON sender.id = i.sent_by_id
LEFT JOIN {users} reviewer ON reviewer.id = i.reviewed_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY i.id
