SELECT k.id, i.slug AS integration, k.name, k.public_id, k.livemode, k.scopes, k.cidrs,
       k.replaces_id, c.email AS created_by, k.created_at, k.expires_at, k.revoked_at,
       r.email AS revoked_by
FROM policies_integrationkey k
JOIN policies_integration i ON i.id = k.integration_id
LEFT JOIN {users} c ON c.id = k.created_by_id
LEFT JOIN {users} r ON r.id = k.revoked_by_id
WHERE k.created_at < %(period_until)s::timestamptz
  AND (%(integration_ids)s::bigint[] IS NULL OR i.id = ANY(%(integration_ids)s::bigint[]))
ORDER BY k.id
