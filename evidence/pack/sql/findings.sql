SELECT f.id, f.check_code, f.title, f.detail, t.app_label || '.' || t.model AS subject_type,
       f.subject_id, f.subject_label, v.slug AS vendor, i.slug AS integration, f.severity,
       f.due_on, o.email AS owner, f.assigned_at, f.opened_at, f.last_seen_at, f.closed_at,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'id', e.id, 'kind', e.kind, 'note', e.note, 'actor', a.email,
                'at', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
                ORDER BY e.id), '[]')
        FROM evidence_findingevent e LEFT JOIN {users} a ON a.id = e.actor_id
        WHERE e.finding_id = f.id AND e.at < %(as_of)s::timestamptz) AS events
FROM evidence_finding f
JOIN django_content_type t ON t.id = f.subject_type_id
LEFT JOIN vendors_vendor v ON v.id = f.vendor_id
LEFT JOIN policies_integration i ON i.id = f.integration_id
LEFT JOIN {users} o ON o.id = f.owner_id
WHERE f.opened_at < %(period_until)s::timestamptz
  AND (f.closed_at IS NULL OR f.closed_at >= %(period_from)s::timestamptz)
  AND (%(vendor_ids)s::bigint[] IS NULL
       OR f.integration_id = ANY(%(integration_ids)s::bigint[])
       OR (f.integration_id IS NULL AND f.vendor_id = ANY(%(vendor_ids)s::bigint[])))
ORDER BY f.id
