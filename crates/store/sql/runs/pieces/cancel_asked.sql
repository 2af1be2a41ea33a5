        cancel_requested_at = clock_timestamp(), cancel_requested_by = :user,
        cancel_reason = :reason,
        cancel_deadline_at = clock_timestamp() + :grace_ms::bigint * interval '1 millisecond',
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
