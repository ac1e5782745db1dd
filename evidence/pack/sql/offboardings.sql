SELECT f.id, v.slug AS vendor, f.started_on, b.email AS started_by, f.reason, f.planned_last_day,
       f.disposal, f.finished_on, e.email AS finished_by, f.called_off_on,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'kind', s.kind, 'done_on', s.done_on, 'done_by', d.email, 'note', s.note,
                'document_sha256', p.sha256) ORDER BY s.id), '[]')
        FROM vendors_offboardingstep s
        LEFT JOIN {users} d ON d.id = s.done_by_id
        LEFT JOIN vendors_document p ON p.id = s.document_id
        WHERE s.offboarding_id = f.id) AS steps
FROM vendors_offboarding f
JOIN vendors_vendor v ON v.id = f.vendor_id
LEFT JOIN {users} b ON b.id = f.started_by_id
LEFT JOIN {users} e ON e.id = f.finished_by_id
WHERE %(vendor_ids)s::bigint[] IS NULL OR v.id = ANY(%(vendor_ids)s::bigint[])
ORDER BY f.id
