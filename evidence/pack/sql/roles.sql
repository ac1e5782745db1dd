SELECT g.id, g.name,
       ARRAY(SELECT t.app_label || '.' || p.codename FROM auth_group_permissions gp
             JOIN auth_permission p ON p.id = gp.permission_id
             JOIN django_content_type t ON t.id = p.content_type_id
             WHERE gp.group_id = g.id ORDER BY 1) AS permissions,
       ARRAY(SELECT t.app_label || '.' || p.codename || ' ' || t.model || ' ' || o.object_pk
             FROM guardian_groupobjectpermission o
             JOIN auth_permission p ON p.id = o.permission_id
             JOIN django_content_type t ON t.id = o.content_type_id
             WHERE o.group_id = g.id ORDER BY 1) AS object_grants,
       (SELECT count(*) FROM {users_groups} ug JOIN {users} u ON u.id = ug.user_id
        WHERE ug.group_id = g.id AND u.is_active) AS active_members
FROM auth_group g
ORDER BY g.id
