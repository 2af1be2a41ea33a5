        worker_id = NULL, lease_token = NULL, lease_expires_at = NULL, heartbeat_at = NULL,
        updated_at = clock_timestamp(), event_seq = r.event_seq + 1
