SELECT a.id, v.slug AS vendor, a.kind, a.as_of, a.period_start, a.period_end, a.issued_on,
       a.auditor, a.opinion, a.categories, a.exception_count, a.certificate_number, a.valid_until,
       a.scope_statement, a.pages, a.replaces_id, a.type2_due_on,
       a.review, a.review_note, w.email AS reviewed_by, a.reviewed_on,
       r.email AS recorded_by, a.recorded_at,
       d.sha256 AS document_sha256, d.size_bytes AS document_bytes,
       d.page_count AS document_pages,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'service', s.slug, 'in_scope', c.in_scope, 'page', c.page) ORDER BY c.id), '[]')
        FROM vendors_reportscope c JOIN vendors_service s ON s.id = c.service_id
        WHERE c.report_id = a.id) AS services,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'covers_from', b.covers_from, 'covers_to', b.covers_to, 'signer', b.signer,
                'signer_role', b.signer_role, 'signed_on', b.signed_on,
                'discloses_changes', b.discloses_changes, 'changes', b.changes,
                'incidents', b.incidents,
                'document_sha256', bd.sha256) ORDER BY b.id), '[]')
        FROM vendors_bridgeletter b LEFT JOIN vendors_document bd ON bd.id = b.document_id
        WHERE b.report_id = a.id) AS bridge_letters
FROM vendors_assurancereport a
JOIN vendors_vendor v ON v.id = a.vendor_id
LEFT JOIN vendors_document d ON d.id = a.document_id
LEFT JOIN {users} w ON w.id = a.reviewed_by_id
LEFT JOIN {users} r ON r.id = a.recorded_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY a.id
