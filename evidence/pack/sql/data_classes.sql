SELECT c.id, c.slug, c.name, c.description, c.is_phi, c.max_retention_days, c.allowed_regions,
       c.allowed_deployments, c.position,
       (SELECT coalesce(jsonb_object_agg(r.reason, r.effect), '{}')
        FROM policies_requirement r WHERE r.data_class_id = c.id) AS requirements
FROM policies_dataclass c
ORDER BY c.id
