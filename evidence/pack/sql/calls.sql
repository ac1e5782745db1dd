SELECT c.index, c.call_id, c.received_at, c.source, i.slug AS integration, k.public_id AS key,
       c.decision, c.reasons, c.warnings, c.provider, c.operation, c.endpoint_host, c.region,
       c.model, c.stream, c.features, c.data_classes, c.phi_present, c.actor_type, c.actor_id,
       c.session_id, c.purpose, c.operation_id, c.attempt,
       c.input_bytes, c.masked, c.bundle, c.mode, c.enforcement, c.started_at, c.client,
       c.claimed_baa_reference, v.agreement_id, v.baa_reference, v.report_id, v.fact_ids,
       v.valid_until, c.epoch, c.lease_until,
       l.lease_until AS lease_extended_until
FROM audits_call c
LEFT JOIN audits_verdict v ON v.id = c.verdict_id
LEFT JOIN policies_integration i ON i.id = c.integration_id
LEFT JOIN policies_integrationkey k ON k.id = c.key_id
LEFT JOIN (SELECT call_id, max(lease_until) AS lease_until FROM audits_lease
           WHERE ledger_id = 1 AND received_at < %(as_of)s::timestamptz GROUP BY call_id) l
       ON l.call_id = c.call_id
WHERE c.ledger_id = 1
  AND c.received_at >= %(period_from)s::timestamptz
  AND c.received_at < %(period_until)s::timestamptz
  AND (%(integration_ids)s::bigint[] IS NULL OR c.integration_id = ANY(%(integration_ids)s::bigint[]))
ORDER BY c.index
