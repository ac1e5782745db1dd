SELECT o.id, u.email AS person, u.is_active AS person_is_active,
       t.app_label || '.' || p.codename AS permission, t.model AS object_type, o.object_pk,
       i.slug AS integration
FROM guardian_userobjectpermission o
JOIN {users} u ON u.id = o.user_id
JOIN auth_permission p ON p.id = o.permission_id
JOIN django_content_type t ON t.id = o.content_type_id
LEFT JOIN policies_integration i
       ON t.app_label = 'policies' AND t.model = 'integration' AND i.id::text = o.object_pk
WHERE %(integration_ids)s::bigint[] IS NULL OR i.id = ANY(%(integration_ids)s::bigint[])
ORDER BY o.id
