SELECT a.id, v.slug AS vendor, a.kind, a.reference, a.version, p.reference AS amends_reference,
       p.version AS amends_version, a.account, a.our_role, a.counterparty, a.signed_by_us,
       a.signed_on, a.signed_by_vendor, a.vendor_signed_on, a.starts_on, a.ends_on, a.terminated_on,
       a.termination_reason, a.superseded_on, a.notice_days, a.breach_notice_days,
       a.transfer_mechanism, a.scc_modules, a.subprocessor_notice_days, a.subprocessor_list,
       a.return_state, a.return_due_on, rc.email AS return_confirmed_by, a.return_confirmed_on,
       a.return_note, rd.sha256 AS return_document_sha256,
       o.email AS owner, r.email AS recorded_by, a.recorded_at,
       d.sha256 AS document_sha256, d.size_bytes AS document_bytes,
       d.page_count AS document_pages,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'service', s.slug, 'model_pattern', c.model_pattern, 'region', c.region,
                'plan', c.plan, 'account', c.account, 'endpoint', c.endpoint,
                'features', c.features, 'features_excluded', c.features_excluded,
                'settings_required', c.settings_required,
                'general_availability_only', c.general_availability_only, 'page', c.page) ORDER BY c.id), '[]')
        FROM vendors_coveredscope c JOIN vendors_service s ON s.id = c.service_id
        WHERE c.agreement_id = a.id) AS covered_scopes
FROM vendors_agreement a
JOIN vendors_vendor v ON v.id = a.vendor_id
LEFT JOIN vendors_agreement p ON p.id = a.amends_id
LEFT JOIN vendors_document d ON d.id = a.document_id
LEFT JOIN vendors_document rd ON rd.id = a.return_document_id
LEFT JOIN {users} rc ON rc.id = a.return_confirmed_by_id
LEFT JOIN {users} o ON o.id = a.owner_id
LEFT JOIN {users} r ON r.id = a.recorded_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY a.id
