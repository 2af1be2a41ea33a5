//! The tables, written by `cargo xtask schema`.

diesel::table! {
    activity_events (tenant_id, object_id, occurred_at, log, event_id) {
        tenant_id -> Uuid,
        object_id -> Text,
        occurred_at -> Timestamptz,
        log -> Text,
        event_id -> Text,
        activity -> Text,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        actor_name -> Nullable<Text>,
        run_id -> Uuid,
    }
}

diesel::table! {
    activity_logs (tenant_id, log) {
        tenant_id -> Uuid,
        log -> Text,
        read_to -> Timestamptz,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> Uuid,
        user_id -> Uuid,
        name -> Text,
        token_hash -> Bytea,
        last_four -> Text,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Uuid,
        tenant_id -> Nullable<Uuid>,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        action -> Text,
        target_kind -> Text,
        target_id -> Text,
        outcome -> Text,
        request_id -> Nullable<Uuid>,
        detail -> Nullable<Jsonb>,
        occurred_at -> Timestamptz,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        request_name -> Nullable<Text>,
    }
}

diesel::table! {
    directory_group_readings (tenant_id) {
        tenant_id -> Uuid,
        delta_link -> Text,
        present -> Int8,
        removed -> Int8,
        data_as_of -> Timestamptz,
        full_at -> Timestamptz,
        last_run -> Uuid,
    }
}

diesel::table! {
    directory_group_tallies (run_id) {
        run_id -> Uuid,
        created -> Int8,
        changed -> Int8,
        back -> Int8,
        removed -> Int8,
    }
}

diesel::table! {
    directory_groups (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        detail -> Jsonb,
        name -> Text,
        name_key -> Text,
        group_type -> Text,
        first_seen_at -> Timestamptz,
        changed_at -> Timestamptz,
        removed_at -> Nullable<Timestamptz>,
        fence -> Int8,
    }
}

diesel::table! {
    event_numberings (last_position) {
        last_position -> Int8,
        mark -> Int8,
        numbered_at -> Timestamptz,
    }
}

diesel::table! {
    events (position) {
        position -> Int8,
        mark -> Int8,
        id -> Uuid,
        event_type -> Text,
        occurred_at -> Timestamptz,
        tenant_id -> Uuid,
        run_id -> Nullable<Uuid>,
        user_id -> Nullable<Uuid>,
        personal -> Bool,
        data -> Jsonb,
    }
}

diesel::table! {
    inventory_bodies (tenant_id, hash) {
        tenant_id -> Uuid,
        hash -> Bytea,
        body -> Jsonb,
    }
}

diesel::table! {
    inventory_change_actors (tenant_id, occurred_at, change_id, actor) {
        tenant_id -> Uuid,
        occurred_at -> Timestamptz,
        change_id -> Uuid,
        actor -> Text,
        kind -> Text,
        policy_type -> Text,
        item_id -> Uuid,
    }
}

diesel::table! {
    inventory_changes (tenant_id, occurred_at, id) {
        tenant_id -> Uuid,
        occurred_at -> Timestamptz,
        id -> Uuid,
        item_id -> Uuid,
        policy_type -> Text,
        kind -> Text,
        run_id -> Uuid,
        detail -> Nullable<Jsonb>,
        seen_before -> Nullable<Timestamptz>,
        read_from -> Nullable<Timestamptz>,
        attributed -> Nullable<Text>,
        actors -> Nullable<Jsonb>,
    }
}

diesel::table! {
    inventory_contents (item_id) {
        item_id -> Uuid,
        content -> Jsonb,
        assignments -> Nullable<Jsonb>,
        value_fields -> Nullable<Jsonb>,
    }
}

diesel::table! {
    inventory_items (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        policy_type -> Text,
        external_id -> Text,
        name -> Text,
        category -> Text,
        platform -> Text,
        foundation -> Bool,
        scope_tags -> Array<Text>,
        assignment_count -> Nullable<Int4>,
        metadata -> Jsonb,
        content_hash -> Bytea,
        assignments_hash -> Nullable<Bytea>,
        first_seen_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        changed_at -> Timestamptz,
        missing_since -> Nullable<Timestamptz>,
        fence -> Int8,
        last_seen_run -> Uuid,
        object_links -> Nullable<Bytea>,
        assignment_links -> Nullable<Bytea>,
        related_links -> Nullable<Bytea>,
        values_hash -> Nullable<Bytea>,
        values_mark -> Nullable<Bytea>,
        values_verified_at -> Nullable<Timestamptz>,
        version -> Int4,
        version_run -> Nullable<Uuid>,
        present_since -> Nullable<Timestamptz>,
        read_from -> Nullable<Timestamptz>,
        assignments_read_from -> Nullable<Timestamptz>,
        values_read_from -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    inventory_items_without_settings (tenant_id, item_id) {
        tenant_id -> Uuid,
        item_id -> Uuid,
    }
}

diesel::table! {
    inventory_left_out (tenant_id, policy_type, external_id) {
        tenant_id -> Uuid,
        policy_type -> Text,
        external_id -> Text,
    }
}

diesel::table! {
    inventory_links (item_id, id) {
        item_id -> Uuid,
        id -> Uuid,
        tenant_id -> Uuid,
        source -> Text,
        kind -> Text,
        target_kind -> Text,
        target_id -> Text,
        qualifier -> Jsonb,
        dangling -> Bool,
    }
}

diesel::table! {
    inventory_settings (item_id, place) {
        item_id -> Uuid,
        place -> Uuid,
        tenant_id -> Uuid,
        policy_type -> Text,
        setting_id -> Text,
        field -> Text,
        value -> Jsonb,
    }
}

diesel::table! {
    inventory_sync_runs (run_id) {
        run_id -> Uuid,
        tenant_id -> Uuid,
        initiator_id -> Uuid,
        selection -> Jsonb,
        selection_hash -> Text,
        created_at -> Timestamptz,
        unread_logs -> Nullable<Jsonb>,
    }
}

diesel::table! {
    inventory_type_results (run_id, policy_type) {
        run_id -> Uuid,
        policy_type -> Text,
        status -> Text,
        pages -> Int4,
        seen -> Int8,
        created -> Int8,
        changed -> Int8,
        missing -> Int8,
        error -> Nullable<Jsonb>,
        started_at -> Nullable<Timestamptz>,
        completed_at -> Nullable<Timestamptz>,
        reassigned -> Int8,
        back -> Int8,
        tenant_id -> Nullable<Uuid>,
        values_read -> Int8,
        values_verified -> Int8,
    }
}

diesel::table! {
    inventory_type_summaries (tenant_id, policy_type) {
        tenant_id -> Uuid,
        policy_type -> Text,
        present -> Int8,
        missing -> Int8,
        data_as_of -> Nullable<Timestamptz>,
        last_run -> Nullable<Uuid>,
        stored_since -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    inventory_versions (item_id, number) {
        item_id -> Uuid,
        number -> Int4,
        tenant_id -> Uuid,
        name -> Text,
        platform -> Text,
        scope_tags -> Array<Text>,
        assignment_count -> Nullable<Int4>,
        metadata -> Jsonb,
        valid_from -> Timestamptz,
        valid_to -> Timestamptz,
        run_id -> Nullable<Uuid>,
        content_hash -> Nullable<Bytea>,
        values_hash -> Nullable<Bytea>,
        assignments_hash -> Nullable<Bytea>,
        prunable -> Bool,
    }
}

diesel::table! {
    memberships (user_id, tenant_id) {
        user_id -> Uuid,
        tenant_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    notifications (id) {
        id -> Uuid,
        user_id -> Uuid,
        tenant_id -> Uuid,
        run_id -> Uuid,
        phase -> Text,
        title -> Text,
        body -> Text,
        created_at -> Timestamptz,
        read_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    operation_run_events (run_id, seq) {
        run_id -> Uuid,
        seq -> Int4,
        at -> Timestamptz,
        attempt -> Int4,
        event -> Text,
        detail -> Nullable<Jsonb>,
        position -> Nullable<Int8>,
    }
}

diesel::table! {
    operation_runs (id) {
        id -> Uuid,
        tenant_id -> Uuid,
        kind -> Text,
        identity -> Text,
        lock_scope -> Text,
        status -> Text,
        outcome -> Nullable<Text>,
        priority -> Int2,
        inputs -> Jsonb,
        initiator_id -> Uuid,
        retry_of -> Nullable<Uuid>,
        not_before -> Timestamptz,
        expires_at -> Timestamptz,
        wait_reason -> Nullable<Text>,
        attempt -> Int4,
        failures -> Int4,
        max_failures -> Int4,
        worker_id -> Nullable<Text>,
        lease_token -> Nullable<Uuid>,
        lease_expires_at -> Nullable<Timestamptz>,
        heartbeat_at -> Nullable<Timestamptz>,
        started_at -> Nullable<Timestamptz>,
        cancel_requested_at -> Nullable<Timestamptz>,
        cancel_requested_by -> Nullable<Uuid>,
        cancel_reason -> Nullable<Text>,
        cancel_deadline_at -> Nullable<Timestamptz>,
        progress -> Nullable<Jsonb>,
        counts -> Nullable<Jsonb>,
        error -> Nullable<Jsonb>,
        event_seq -> Int4,
        completed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        served_at -> Timestamptz,
        scheduled -> Bool,
        verify -> Nullable<Text>,
    }
}

diesel::table! {
    pending_events (id) {
        id -> Uuid,
        event_type -> Text,
        occurred_at -> Timestamptz,
        tenant_id -> Uuid,
        user_id -> Nullable<Uuid>,
        personal -> Bool,
        data -> Jsonb,
    }
}

diesel::table! {
    queue_controls (kind) {
        kind -> Text,
        paused_at -> Timestamptz,
        paused_by -> Text,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    schema_compatibility (only_row) {
        only_row -> Bool,
        oldest_program -> Text,
    }
}

diesel::table! {
    setting_definitions (id) {
        id -> Text,
        in_catalog -> Bool,
        name -> Nullable<Text>,
        description -> Nullable<Text>,
        options -> Nullable<Jsonb>,
        asked_at -> Nullable<Timestamptz>,
        search -> Text,
    }
}

diesel::table! {
    start_keys (user_id, key) {
        user_id -> Uuid,
        key -> Text,
        request_hash -> Text,
        run_id -> Uuid,
        joined -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    stream_tickets (ticket_hash) {
        ticket_hash -> Bytea,
        token_id -> Uuid,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    tenant_credentials (tenant_id) {
        tenant_id -> Uuid,
        kind -> Text,
        client_id -> Text,
        key_id -> Nullable<Text>,
        nonce -> Nullable<Bytea>,
        ciphertext -> Nullable<Bytea>,
        updated_at -> Timestamptz,
        file -> Nullable<Text>,
        expires_on -> Nullable<Date>,
        end_noticed -> Nullable<Date>,
    }
}

diesel::table! {
    tenant_fences (tenant_id, scope) {
        tenant_id -> Uuid,
        scope -> Text,
        fence -> Int8,
        token -> Nullable<Uuid>,
        served_at -> Timestamptz,
    }
}

diesel::table! {
    tenant_notices (id) {
        id -> Uuid,
        user_id -> Uuid,
        tenant_id -> Uuid,
        kind -> Text,
        title -> Text,
        body -> Text,
        created_at -> Timestamptz,
        read_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    tenant_schedules (tenant_id) {
        tenant_id -> Uuid,
        time_of_day -> Nullable<Text>,
        cron -> Nullable<Text>,
        zone -> Text,
        jitter_minutes -> Int4,
        catch_up -> Text,
        set_by -> Uuid,
        set_at -> Timestamptz,
        next_due_at -> Nullable<Timestamptz>,
        last_due_at -> Nullable<Timestamptz>,
        last_fired_at -> Nullable<Timestamptz>,
        last_run_id -> Nullable<Uuid>,
        skipped_due_at -> Nullable<Timestamptz>,
        skip_reason -> Nullable<Text>,
        stopped_at -> Nullable<Timestamptz>,
        stop_reason -> Nullable<Text>,
    }
}

diesel::table! {
    tenants (id) {
        id -> Uuid,
        name -> Text,
        directory_id -> Uuid,
        cloud -> Text,
        enabled -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        display_name -> Text,
        created_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
        is_operator -> Bool,
        erased_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_deliveries (id) {
        id -> Uuid,
        endpoint_id -> Uuid,
        tenant_id -> Nullable<Uuid>,
        cause -> Text,
        event_id -> Nullable<Uuid>,
        event_type -> Nullable<Text>,
        position -> Nullable<Int8>,
        attempt -> Int4,
        outcome -> Text,
        status -> Nullable<Int4>,
        detail -> Text,
        took_ms -> Int4,
        at -> Timestamptz,
        next_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_endpoints (id) {
        id -> Uuid,
        user_id -> Uuid,
        tenant_id -> Nullable<Uuid>,
        url -> Text,
        event_types -> Array<Text>,
        public_url -> Text,
        key_id -> Text,
        secret -> Bytea,
        previous_key_id -> Nullable<Text>,
        previous_secret -> Nullable<Bytea>,
        previous_until -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        position -> Int8,
        failures -> Int4,
        failing_since -> Nullable<Timestamptz>,
        next_at -> Timestamptz,
        lease_token -> Nullable<Uuid>,
        lease_expires_at -> Nullable<Timestamptz>,
        served_at -> Timestamptz,
        disabled_at -> Nullable<Timestamptz>,
        disable_reason -> Nullable<Text>,
    }
}

diesel::table! {
    webhook_requests (id) {
        id -> Uuid,
        endpoint_id -> Uuid,
        event_id -> Uuid,
        position -> Nullable<Int8>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    webhook_sealing_key (only_row) {
        only_row -> Bool,
        key_id -> Text,
        public_key -> Bytea,
        set_at -> Timestamptz,
    }
}

diesel::table! {
    workers (id) {
        id -> Text,
        version -> Text,
        host -> Text,
        slots -> Int4,
        draining -> Bool,
        started_at -> Timestamptz,
        heartbeat_at -> Timestamptz,
    }
}

diesel::joinable!(activity_events -> tenants (tenant_id));
diesel::joinable!(activity_logs -> tenants (tenant_id));
diesel::joinable!(api_tokens -> users (user_id));
diesel::joinable!(audit_events -> tenants (tenant_id));
diesel::joinable!(directory_group_readings -> tenants (tenant_id));
diesel::joinable!(directory_group_tallies -> operation_runs (run_id));
diesel::joinable!(directory_groups -> tenants (tenant_id));
diesel::joinable!(events -> tenants (tenant_id));
diesel::joinable!(inventory_bodies -> tenants (tenant_id));
diesel::joinable!(inventory_changes -> tenants (tenant_id));
diesel::joinable!(inventory_contents -> inventory_items (item_id));
diesel::joinable!(inventory_items -> tenants (tenant_id));
diesel::joinable!(inventory_left_out -> tenants (tenant_id));
diesel::joinable!(inventory_links -> inventory_items (item_id));
diesel::joinable!(inventory_sync_runs -> operation_runs (run_id));
diesel::joinable!(inventory_sync_runs -> tenants (tenant_id));
diesel::joinable!(inventory_sync_runs -> users (initiator_id));
diesel::joinable!(inventory_type_results -> inventory_sync_runs (run_id));
diesel::joinable!(inventory_type_summaries -> tenants (tenant_id));
diesel::joinable!(inventory_versions -> inventory_items (item_id));
diesel::joinable!(memberships -> tenants (tenant_id));
diesel::joinable!(memberships -> users (user_id));
diesel::joinable!(notifications -> operation_runs (run_id));
diesel::joinable!(notifications -> tenants (tenant_id));
diesel::joinable!(notifications -> users (user_id));
diesel::joinable!(operation_run_events -> operation_runs (run_id));
diesel::joinable!(operation_runs -> tenants (tenant_id));
diesel::joinable!(pending_events -> tenants (tenant_id));
diesel::joinable!(start_keys -> users (user_id));
diesel::joinable!(stream_tickets -> api_tokens (token_id));
diesel::joinable!(tenant_credentials -> tenants (tenant_id));
diesel::joinable!(tenant_fences -> tenants (tenant_id));
diesel::joinable!(tenant_notices -> tenants (tenant_id));
diesel::joinable!(tenant_notices -> users (user_id));
diesel::joinable!(tenant_schedules -> operation_runs (last_run_id));
diesel::joinable!(tenant_schedules -> tenants (tenant_id));
diesel::joinable!(tenant_schedules -> users (set_by));
diesel::joinable!(webhook_deliveries -> tenants (tenant_id));
diesel::joinable!(webhook_deliveries -> webhook_endpoints (endpoint_id));
diesel::joinable!(webhook_endpoints -> tenants (tenant_id));
diesel::joinable!(webhook_endpoints -> users (user_id));
diesel::joinable!(webhook_requests -> webhook_endpoints (endpoint_id));

diesel::allow_tables_to_appear_in_same_query!(
    activity_events,
    activity_logs,
    api_tokens,
    audit_events,
    directory_group_readings,
    directory_group_tallies,
    directory_groups,
    event_numberings,
    events,
    inventory_bodies,
    inventory_change_actors,
    inventory_changes,
    inventory_contents,
    inventory_items,
    inventory_items_without_settings,
    inventory_left_out,
    inventory_links,
    inventory_settings,
    inventory_sync_runs,
    inventory_type_results,
    inventory_type_summaries,
    inventory_versions,
    memberships,
    notifications,
    operation_run_events,
    operation_runs,
    pending_events,
    queue_controls,
    schema_compatibility,
    setting_definitions,
    start_keys,
    stream_tickets,
    tenant_credentials,
    tenant_fences,
    tenant_notices,
    tenant_schedules,
    tenants,
    users,
    webhook_deliveries,
    webhook_endpoints,
    webhook_requests,
    webhook_sealing_key,
    workers,
);
