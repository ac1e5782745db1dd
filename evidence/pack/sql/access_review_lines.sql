SELECT l.id, l.review_id, l.number, l.kind, l.row_id, l.holder, u.email AS person, l.what,
       i.slug AS integration, l.since, l.ends_at, l.use_known, l.last_used_at, l.flags,
       l.frozen_at,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'decision', d.decision, 'change_to', d.change_to, 'note', d.note,
                'together', d.together, 'by', b.email, 'at', d.at) ORDER BY d.id), '[]')
        FROM policies_accessreviewdecision d
        JOIN {users} b ON b.id = d.by_id
        WHERE d.entry_id = l.id) AS decisions,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'kind', p.kind, 'reason', p.reason, 'looks', p.looks, 'by', b.email,
                'at', p.at) ORDER BY p.id), '[]')
        FROM policies_accessreviewproof p
        LEFT JOIN {users} b ON b.id = p.by_id
        WHERE p.entry_id = l.id) AS proofs
FROM policies_accessreviewentry l
JOIN policies_accessreview r ON r.id = l.review_id
LEFT JOIN {users} u ON u.id = l.user_id
LEFT JOIN policies_integration i ON i.id = l.integration_id
WHERE r.started_at < %(period_until)s::timestamptz
ORDER BY l.id
