SELECT i.id, i.slug, i.name, i.purpose, i.description, o.email AS owner, v.slug AS vendor,
       s.slug AS service, i.model_patterns, i.region, i.environment,
       ARRAY(SELECT c.slug FROM policies_integration_data_classes ic
             JOIN policies_dataclass c ON c.id = ic.dataclass_id
             WHERE ic.integration_id = i.id ORDER BY c.slug) AS data_classes,
       i.deidentification, d.sha256 AS deidentification_document_sha256,
       i.deidentification_expires_on, i.audit_mode, i.known_actors_only, i.state,
       i.suspended_reason, m.email AS created_by, i.created_at
FROM policies_integration i
JOIN vendors_service s ON s.id = i.service_id
JOIN vendors_vendor v ON v.id = s.vendor_id
LEFT JOIN vendors_document d ON d.id = i.deidentification_document_id
LEFT JOIN {users} o ON o.id = i.owner_id
LEFT JOIN {users} m ON m.id = i.created_by_id
WHERE %(integration_ids)s::bigint[] IS NULL OR i.id = ANY(%(integration_ids)s::bigint[])
ORDER BY i.id
