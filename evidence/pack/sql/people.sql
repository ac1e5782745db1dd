SELECT u.id, u.email, u.full_name, u.is_active, u.is_staff, u.is_superuser, u.date_joined,
       u.last_login,
       ARRAY(SELECT g.name FROM {users_groups} ug JOIN auth_group g ON g.id = ug.group_id
             WHERE ug.user_id = u.id ORDER BY g.name) AS roles,
       ARRAY(SELECT t.app_label || '.' || p.codename FROM {users_permissions} up
             JOIN auth_permission p ON p.id = up.permission_id
             JOIN django_content_type t ON t.id = p.content_type_id
             WHERE up.user_id = u.id ORDER BY 1) AS extra_permissions
FROM {users} u
ORDER BY u.id
