//! What `--help` says about the simulator while it runs.

/// The control endpoints, and what can be sent to them.
pub(crate) fn text() -> String {
    let endpoints = atlas_graph_sim::control_help();
    format!("Control endpoints, under /_sim/, with JSON bodies:\n{endpoints}\n{BODIES}")
}

const BODIES: &str = "\
Faults. A rule has a path, and may have more:
  path          {\"exact\": \"/beta/...\"}, {\"prefix\": \"/v1.0\"} or
                {\"suffix\": \"/oauth2/v2.0/token\"}, without the query
  tenant        only for this directory id
  nth, count    the first request that is struck (1), and how many from there on (1; null for all)
  probability   from 0 to 1, decided by seed
  effect        {\"kind\": ...}, one of:
    forbidden (permission), unlicensed, not_applicable, unauthorized, claims_challenge
    throttled (retry_after), server_error (status, body, retry_after), answer (status, body)
    truncated_json, connection_reset, html_page, wrong_content_type, gzip, damaged_gzip
    delayed (milliseconds), slow_body (pieces, milliseconds)
    empty_page, repeated_next_link, foreign_next_link (origin), repeated_row, page_gone (status)
    padded (bytes), huge_row (bytes), wide_row (bytes), expand_times_out (rows)
    compressed_blanks (bytes)        a small body that becomes so large
    endless_body                     row after row until the caller hangs up
    page_token_expired               400 Directory_ExpiredPageToken where a link leads to
    error_with_ok                    200, and the body is an error
    in_stream_error (rows)           200 with the first rows and an error beside them
    refused_by_service               401 from Intune itself, though the token is good
    cut_list (rows)                  no link on full pages, or on pages of so many rows
    endless                          new links to the same rows, for ever
    empty_next_link                  the end of a list is an empty link
    large_rows (bytes)               every row is so much larger
    top_ignored, top_rejected, top_clamped (rows)
    unknown_enum, unknown_type, null_name, odd_names, duplicate_keys
    other_case                       GUIDs in upper case
    object_without_id                not in lists
    null_row, row_without_id, lone_surrogate, invalid_utf8, huge_number (row)
    deep_nesting (levels, row), long_name (characters, row)
                                     on one row, counted from 0, which is the first by default
    byte_order_mark
    missing_response                 in a $batch
    lifetime_as_text                 at a token endpoint
    sign_in (refusal)                at a token endpoint; the refusal is one of:
      secret_invalid, secret_expired, application_not_found, application_disabled,
      tenant_not_found, consent_missing, not_subscribed, blocked_by_conditional_access,
      parameter_missing, scope_invalid, grant_unsupported, busy, loop_detected,
      assertion_invalid, assertion_not_in_time, assertion_claims, nothing_federated,
      issuer_unknown, subject_unknown, audience_unknown, national_cloud, cross_cloud,
      tenant_identifier_invalid, tenant_unavailable, blocked_by_security_defaults, grant_revoked,
      grant_inactive, resource_unknown, user_token_expired, user_token_invalid,
      interaction_required
  retry_after is \"absent\", or one of {\"seconds\": 7}, {\"decimal\": 0.3}, {\"http_date\": 2} and
  {\"in_message\": 7}; the body of a server_error is \"empty\" or \"nested_json\".

Changes. How many objects to change in each way, and which:
  add, delete, restore, rename, edit, edit_nested, edit_secret, reassign, reassign_unlisted, touch
  edit_value, edit_value_quietly (the object's time does not move), edit_secret_value, remove_value
                                     of values under objects
  actor ({\"kind\": \"user\" or \"application\", \"id\", \"name\"}) and at are what audit events say
  seed decides which objects; keys are the policy types to take them from, ids the objects (all
  when empty); setting is the value to edit, as GET values has it

Sign-in: {directory id}/oauth2/v2.0/token takes a secret, a signed assertion, a federated token, or
a user's token on behalf of the user. OpenID Connect: {directory id, common or organizations}/v2.0/
.well-known/openid-configuration and /discovery/v2.0/keys.

Audit: /v1.0/deviceManagement/auditEvents and /v1.0/auditLogs/directoryAudits list who changed what.

Directory: /v1.0/groups with $search, /v1.0/groups/delta with links to later changes, and POST
/v1.0/directoryObjects/getByIds, which finds groups.

An example, for the second page of a list that times out once:
  curl -H content-type:application/json http://127.0.0.1:8085/_sim/faults -d '{\"nth\": 2,
    \"path\": {\"exact\": \"/beta/deviceManagement/configurationPolicies\"},
    \"effect\": {\"kind\": \"server_error\", \"status\": 504}}'";
