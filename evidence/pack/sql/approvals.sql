SELECT a.id, i.slug AS integration, a.decision, a.terms_digest, a.terms, a.expires_on, a.note,
       u.email AS decided_by, a.decided_at
FROM policies_approval a
JOIN policies_integration i ON i.id = a.integration_id
JOIN {users} u ON u.id = a.decided_by_id
WHERE a.decided_at < %(period_until)s::timestamptz
  AND (%(integration_ids)s::bigint[] IS NULL OR i.id = ANY(%(integration_ids)s::bigint[]))
ORDER BY a.id
