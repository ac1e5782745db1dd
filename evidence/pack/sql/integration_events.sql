SELECT e.id, i.slug AS integration, e.kind, e.note, u.email AS actor, e.at
FROM policies_integrationevent e
JOIN policies_integration i ON i.id = e.integration_id
LEFT JOIN {users} u ON u.id = e.actor_id
WHERE e.at >= %(period_from)s::timestamptz AND e.at < %(period_until)s::timestamptz
  AND (%(integration_ids)s::bigint[] IS NULL OR i.id = ANY(%(integration_ids)s::bigint[]))
ORDER BY e.id
