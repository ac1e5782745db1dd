SELECT 'role' AS kind, m.id AS row_id, u.email AS holder, u.id AS user_id, g.name AS what,
       NULL::bigint AS integration_id, NULL::timestamptz AS since, NULL::timestamptz AS ends_at,
       NULL::timestamptz AS last_used_at, u.is_active AS holder_active, NULL::text AS actor
FROM portal_user_groups m
JOIN portal_user u ON u.id = m.user_id
JOIN auth_group g ON g.id = m.group_id
UNION ALL
SELECT 'superuser', u.id, u.email, u.id, 'Passes every check of permissions',
       NULL, NULL, NULL, NULL, u.is_active, NULL
FROM portal_user u
WHERE u.is_superuser
UNION ALL
SELECT 'staff', u.id, u.email, u.id, 'Counts as staff',
       NULL, NULL, NULL, NULL, u.is_active, NULL
FROM portal_user u
WHERE u.is_staff
UNION ALL
SELECT 'permission', d.id, u.email, u.id, t.app_label || '.' || p.codename,
       NULL, NULL, NULL, NULL, u.is_active, NULL
FROM portal_user_user_permissions d
JOIN portal_user u ON u.id = d.user_id
JOIN auth_permission p ON p.id = d.permission_id
JOIN django_content_type t ON t.id = p.content_type_id
UNION ALL
SELECT 'object', o.id, u.email, u.id, p.codename,
       i.id, NULL, NULL, NULL, u.is_active, 'user:' || u.email
FROM guardian_userobjectpermission o
JOIN portal_user u ON u.id = o.user_id
JOIN auth_permission p ON p.id = o.permission_id
JOIN django_content_type t ON t.id = o.content_type_id
JOIN policies_integration i ON i.id::text = o.object_pk
WHERE t.app_label = 'policies' AND t.model = 'integration'
  AND NOT (u.id = i.owner_id AND p.codename = ANY (%(of_owners)s))
  AND NOT EXISTS (
    SELECT FROM policies_grant g
    LEFT JOIN policies_groupmembership m ON m.group_id = g.group_id
    JOIN policies_principal h ON h.id = coalesce(g.principal_id, m.principal_id)
    WHERE g.integration_id = i.id AND g.permission = p.codename AND h.user_id = u.id
      AND g.state = 'standing' AND g.starts_at <= %(at)s AND g.ends_at > %(at)s)
UNION ALL
SELECT 'grant', g.id, coalesce(u.email, h.kind || ':' || h.identifier, 'Group ' || q.name),
       h.user_id, g.permission || CASE WHEN g.kind = 'emergency' THEN ' (emergency)' ELSE '' END,
       g.integration_id, g.starts_at, g.ends_at, NULL,
       CASE WHEN h.id IS NULL THEN q.ended_at IS NULL
            ELSE h.state = 'active' AND coalesce(u.is_active, true) END,
       h.kind || ':' || h.identifier
FROM policies_grant g
LEFT JOIN policies_principal h ON h.id = g.principal_id
LEFT JOIN portal_user u ON u.id = h.user_id
LEFT JOIN policies_principalgroup q ON q.id = g.group_id
WHERE g.state = 'standing' AND g.ends_at > %(at)s
UNION ALL
SELECT 'ownership', i.id, u.email, u.id, 'Owns the integration',
       i.id, i.created_at, NULL, NULL, u.is_active, NULL
FROM policies_integration i
JOIN portal_user u ON u.id = i.owner_id
WHERE i.state NOT IN ('rejected', 'retired')
UNION ALL
SELECT 'token', t.id, u.email, u.id, t.name || ': ' || array_to_string(t.scopes, ', '),
       NULL, t.created_at, t.expires_at, t.last_used_at, u.is_active, NULL
FROM portal_personaltoken t
JOIN portal_user u ON u.id = t.user_id
WHERE t.revoked_at IS NULL AND t.expires_at > %(at)s
UNION ALL
SELECT 'key', k.id, i.name, i.owner_id, k.name || ': ' || array_to_string(k.scopes, ', '),
       i.id, k.created_at, k.expires_at, s.last_used_at, NULL, NULL
FROM policies_integrationkey k
JOIN policies_integration i ON i.id = k.integration_id
LEFT JOIN policies_keyuse s ON s.key_id = k.id
WHERE (k.revoked_at IS NULL OR k.revoked_at > %(at)s) AND k.expires_at > %(at)s
UNION ALL
SELECT 'directory', t.id, d.name, t.created_by_id, 'Keeps ' || d.kind || ' by SCIM: ' || t.public_id,
       NULL, t.created_at, t.expires_at, t.last_used_at, NULL, NULL
FROM portal_directorytoken t
JOIN portal_directory d ON d.id = t.directory_id
WHERE t.revoked_at IS NULL AND t.expires_at > %(at)s AND d.ended_at IS NULL
ORDER BY kind, holder, what, row_id
