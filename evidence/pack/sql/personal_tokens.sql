SELECT t.id, u.email AS person, t.name, t.public_id, t.scopes, t.cidrs, t.created_at, t.expires_at,
       t.last_used_at, t.revoked_at, r.email AS revoked_by
FROM portal_personaltoken t
JOIN {users} u ON u.id = t.user_id
LEFT JOIN {users} r ON r.id = t.revoked_by_id
WHERE t.created_at < %(period_until)s::timestamptz
ORDER BY t.id
