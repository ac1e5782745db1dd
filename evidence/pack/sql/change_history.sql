SELECT h.id, h.timestamp AS at, t.app_label || '.' || t.model AS object_type, h.object_pk,
       h.object_repr,
       CASE h.action WHEN 0 THEN 'create' WHEN 1 THEN 'update' WHEN 2 THEN 'delete'
                     WHEN 3 THEN 'access' END AS action,
       coalesce(u.email, h.actor_email) AS actor,
       h.changes - ARRAY['password', 'secret_sha256'] AS changes
FROM auditlog_logentry h
JOIN django_content_type t ON t.id = h.content_type_id
LEFT JOIN {users} u ON u.id = h.actor_id
WHERE h.timestamp >= %(period_from)s::timestamptz AND h.timestamp < %(period_until)s::timestamptz
ORDER BY h.id
