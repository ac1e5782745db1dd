SELECT d.index, d.event_id, d.call_id, d.call_index, d.received_at, d.swept, d.late, d.without_call,
       d.outcome, d.http_status, d.error, d.finish_reason, d.input_tokens, d.output_tokens,
       d.cache_tokens, d.reasoning_tokens, d.usage_source, d.ttfb_ms, d.latency_ms,
       d.provider_request_id, d.response_model, d.ended_at
FROM audits_completion d
LEFT JOIN audits_call c ON c.ledger_id = d.ledger_id AND c.call_id = d.call_id
LEFT JOIN policies_integrationkey k ON k.id = d.key_id
WHERE d.ledger_id = 1
  AND d.received_at < %(as_of)s::timestamptz
  AND coalesce(c.received_at, d.received_at) >= %(period_from)s::timestamptz
  AND coalesce(c.received_at, d.received_at) < %(period_until)s::timestamptz
  AND (%(integration_ids)s::bigint[] IS NULL
       OR coalesce(c.integration_id, k.integration_id) = ANY(%(integration_ids)s::bigint[]))
ORDER BY d.index
