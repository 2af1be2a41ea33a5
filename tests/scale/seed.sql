-- An installation after some years: 200 tenants of very different sizes, a million runs, a million
-- items, and what belongs to them. Everything is computed from row numbers, so that two seeds of one
-- size differ in their times alone.
--
-- Sizes are settings of the session: `seed.runs` and `seed.items`, a million each when they are not
-- set. The schema is empty, and that of migration 20261129000030 or a later one. `seed_later.sql` adds,
-- in the same session, what later migrations made tables for. Plain SQL, for pgbench, psql and drivers
-- alike. The first users, whom measurements call as, are named below; tenant n has the id
-- 00000000-0000-7000-8000-(n in twelve hexadecimal digits).

CREATE TEMPORARY TABLE seed_sizes AS
SELECT coalesce(nullif(current_setting('seed.runs', true), ''), '1000000')::bigint AS runs,
    coalesce(nullif(current_setting('seed.items', true), ''), '1000000')::bigint AS items,
    date_trunc('milliseconds', statement_timestamp()) AS at;

-- A number from 0 to 1 that looks drawn, and is the same in every seed.
CREATE FUNCTION pg_temp.drawn(n bigint, salt bigint) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (hashint8extended(n, salt) & 1048575)::double precision / 1048576
$$;

-- A UUIDv7 of this time that carries a number.
CREATE FUNCTION pg_temp.time_id(at timestamptz, n bigint) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || lpad(to_hex(n & 4095), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid
$$;

-- The id of a tenant or user by its number.
CREATE FUNCTION pg_temp.number_id(n bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid
$$;

-- A text as the hash of a run's identity takes it: after its length.
CREATE FUNCTION pg_temp.framed(part text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT int8send(octet_length(part)) || convert_to(part, 'UTF8')
$$;

-- The registry of policy types, by key: a test holds it against the programs' own.
CREATE TEMPORARY TABLE seed_types (key text COLLATE "C", category text, platform text,
    foundation boolean);
INSERT INTO seed_types VALUES
    ('activityBasedTimeoutPolicy', 'Identity', 'cloud', false),
    ('adminConsentRequestPolicy', 'Identity', 'cloud', false),
    ('androidDeviceOwnerEnrollmentProfile', 'Enrollment', 'android', false),
    ('androidManagedAppProtection', 'Apps', 'android', false),
    ('androidManagedStoreAccount', 'Enrollment', 'android', true),
    ('androidOemConfig', 'Configuration', 'android', false),
    ('appManagementPolicy', 'Identity', 'cloud', false),
    ('appQuietTimePolicy', 'Apps', 'mobile', false),
    ('applePushNotificationCertificate', 'Enrollment', 'apple', true),
    ('appleUserInitiatedEnrollmentProfile', 'Enrollment', 'iOS', false),
    ('assignmentFilter', 'RBAC', 'all', true),
    ('authenticationContext', 'Conditional Access', 'cloud', true),
    ('authenticationFlowsPolicy', 'Identity', 'cloud', false),
    ('authenticationMethodsPolicy', 'Identity', 'cloud', false),
    ('authenticationStrengthPolicy', 'Conditional Access', 'cloud', true),
    ('authorizationPolicy', 'Identity', 'cloud', false),
    ('autopilotDevicePreparationPolicy', 'Enrollment', 'windows', false),
    ('chromeOSOnboardingSetting', 'Connectors', 'chromeOS', true),
    ('cloudCertificationAuthority', 'Connectors', 'all', true),
    ('cloudPcDeviceImage', 'Cloud PC', 'windows', true),
    ('cloudPcOnPremisesConnection', 'Cloud PC', 'windows', true),
    ('cloudPcProvisioningPolicy', 'Cloud PC', 'windows', false),
    ('cloudPcUserSetting', 'Cloud PC', 'windows', false),
    ('coManagementAuthority', 'Enrollment', 'windows', false),
    ('complianceCategory', 'Compliance', 'all', true),
    ('complianceManagementPartner', 'Compliance', 'all', true),
    ('compliancePolicyV2', 'Compliance', 'linux', false),
    ('conditionalAccessPolicy', 'Conditional Access', 'cloud', false),
    ('configurationPolicyTemplate', 'Endpoint Security', 'all', true),
    ('crossTenantAccessDefault', 'Identity', 'cloud', false),
    ('crossTenantAccessPartner', 'Identity', 'cloud', false),
    ('defaultManagedAppProtection', 'Apps', 'all', false),
    ('depEnrollmentProfile', 'Enrollment', 'apple', false),
    ('depOnboardingSetting', 'Enrollment', 'apple', true),
    ('derivedCredential', 'Configuration', 'mobile', true),
    ('deviceCategory', 'Configuration', 'all', true),
    ('deviceCompliancePolicy', 'Compliance', 'all', false),
    ('deviceComplianceScript', 'Compliance', 'windows', false),
    ('deviceConfiguration', 'Configuration', 'all', false),
    ('deviceConfigurationPolicyTemplateFamily', 'Configuration', 'all', false),
    ('deviceCustomAttributeShellScript', 'Scripts', 'macOS', false),
    ('deviceHealthScript', 'Scripts', 'windows', false),
    ('deviceManagementPartner', 'Connectors', 'all', true),
    ('deviceManagementScript', 'Scripts', 'windows', false),
    ('deviceManagementSettings', 'Configuration', 'all', false),
    ('deviceManagementTemplate', 'Endpoint Security', 'windows,macOS', true),
    ('deviceRegistrationPolicy', 'Identity', 'cloud', false),
    ('deviceShellScript', 'Scripts', 'macOS', false),
    ('directoryGroup', 'Directory', 'cloud', true),
    ('domainJoinConnector', 'Connectors', 'windows', true),
    ('endpointSecurityAccountProtection', 'Endpoint Security', 'windows', false),
    ('endpointSecurityAntivirus', 'Endpoint Security', 'windows,macOS,linux', false),
    ('endpointSecurityApplicationControl', 'Endpoint Security', 'windows', false),
    ('endpointSecurityAttackSurfaceReduction', 'Endpoint Security', 'windows', false),
    ('endpointSecurityDiskEncryption', 'Endpoint Security', 'windows,macOS', false),
    ('endpointSecurityEdr', 'Endpoint Security', 'windows,macOS,linux', false),
    ('endpointSecurityFirewall', 'Endpoint Security', 'windows,macOS', false),
    ('endpointSecurityIntent', 'Endpoint Security', 'windows,macOS', false),
    ('endpointSecurityPrivilegeManagement', 'Endpoint Security', 'windows', false),
    ('enrollmentLimitRestriction', 'Enrollment', 'all', false),
    ('enrollmentNotification', 'Enrollment', 'all', false),
    ('enrollmentPlatformRestriction', 'Enrollment', 'all', false),
    ('enrollmentStatusPage', 'Enrollment', 'windows', false),
    ('groupLifecyclePolicy', 'Identity', 'cloud', false),
    ('groupPolicyConfiguration', 'Configuration', 'windows', false),
    ('groupPolicyUploadedDefinitionFile', 'Configuration', 'windows', true),
    ('groupSetting', 'Identity', 'cloud', false),
    ('hardwareConfiguration', 'Configuration', 'windows', false),
    ('importedDeviceIdentity', 'Enrollment', 'all', true),
    ('intuneBrandingProfile', 'Configuration', 'all', false),
    ('inventoryPolicy', 'Configuration', 'windows', false),
    ('iosLobAppProvisioningConfiguration', 'Apps', 'iOS', false),
    ('iosManagedAppProtection', 'Apps', 'iOS', false),
    ('iosUpdateConfiguration', 'Updates', 'iOS', false),
    ('linuxScriptPolicy', 'Scripts', 'linux', false),
    ('macOSSoftwareUpdateConfiguration', 'Updates', 'macOS', false),
    ('managedAppPolicy', 'Apps', 'all', false),
    ('managedDeviceCleanupRule', 'Configuration', 'all', true),
    ('managedEBook', 'Apps', 'iOS', false),
    ('mdmWindowsInformationProtectionPolicy', 'Apps', 'windows', false),
    ('microsoftTunnelConfiguration', 'Configuration', 'mobile', false),
    ('microsoftTunnelSite', 'Configuration', 'mobile', true),
    ('mobileApp', 'Apps', 'all', false),
    ('mobileAppCategory', 'Apps', 'all', true),
    ('mobileAppConfiguration', 'Apps', 'iOS,android', false),
    ('mobileDeviceManagementPolicy', 'Identity', 'cloud', false),
    ('mobileThreatDefenseConnector', 'Connectors', 'all', true),
    ('namedLocation', 'Conditional Access', 'cloud', true),
    ('ndesConnector', 'Connectors', 'windows', true),
    ('notificationMessageTemplate', 'Compliance', 'all', true),
    ('operationApprovalPolicy', 'RBAC', 'all', false),
    ('organization', 'Directory', 'cloud', true),
    ('permissionGrantPolicy', 'Identity', 'cloud', false),
    ('policySet', 'Apps', 'all', false),
    ('remoteAssistancePartner', 'Connectors', 'all', true),
    ('resourceAccessProfile', 'Configuration', 'windows', false),
    ('reusablePolicySetting', 'Configuration', 'windows', true),
    ('roleAssignment', 'RBAC', 'all', false),
    ('roleDefinition', 'RBAC', 'all', false),
    ('roleScopeTag', 'RBAC', 'all', true),
    ('securityBaselinePolicy', 'Endpoint Security', 'windows', false),
    ('securityDefaults', 'Identity', 'cloud', false),
    ('serviceNowConnection', 'Connectors', 'all', true),
    ('settingsCatalogPolicy', 'Configuration', 'all', false),
    ('targetedManagedAppConfiguration', 'Apps', 'iOS,android,windows', false),
    ('termsAndConditions', 'Configuration', 'all', false),
    ('termsOfUseAgreement', 'Conditional Access', 'cloud', true),
    ('tokenLifetimePolicy', 'Identity', 'cloud', false),
    ('vppToken', 'Apps', 'apple', true),
    ('wdacSupplementalPolicy', 'Apps', 'windows', false),
    ('windowsAutopilotDeploymentProfile', 'Enrollment', 'windows', false),
    ('windowsAutopilotSettings', 'Enrollment', 'windows', true),
    ('windowsDriverUpdateProfile', 'Updates', 'windows', false),
    ('windowsFeatureUpdateProfile', 'Updates', 'windows', false),
    ('windowsHelloForBusinessEnrollment', 'Enrollment', 'windows', false),
    ('windowsInformationProtectionPolicy', 'Apps', 'windows', false),
    ('windowsManagedAppProtection', 'Apps', 'windows', false),
    ('windowsQualityUpdatePolicy', 'Updates', 'windows', false),
    ('windowsQualityUpdateProfile', 'Updates', 'windows', false),
    ('windowsRecoveryPolicy', 'Updates', 'windows', false),
    ('windowsRestoreEnrollment', 'Enrollment', 'windows', false),
    ('windowsUpdateRing', 'Updates', 'windows', false),
    ('zebraFotaDeployment', 'Updates', 'android', false);
ALTER TABLE seed_types ADD COLUMN at integer, ADD COLUMN policy_at integer;
UPDATE seed_types t SET at = o.at FROM (
    SELECT key, row_number() OVER (ORDER BY key) AS at FROM seed_types) o WHERE o.key = t.key;
UPDATE seed_types t SET policy_at = o.at FROM (
    SELECT key, row_number() OVER (ORDER BY key) AS at FROM seed_types WHERE NOT foundation) o
WHERE o.key = t.key;

-- Tenants: the first one has a fifth of everything, the others share the rest unevenly.
CREATE TEMPORARY TABLE seed_tenants AS
SELECT t AS number, pg_temp.number_id(t) AS id, CASE WHEN t = 1 THEN 0.2
    ELSE 0.8 * (sqrt(t - 1) - sqrt(t - 2)) / sqrt(199) END AS share
FROM generate_series(1, 200) t;

INSERT INTO tenants (id, name, directory_id, created_at, updated_at)
SELECT t.id, 'Tenant ' || lpad(t.number::text, 3, '0'), md5('directory ' || t.number)::uuid,
    s.at - interval '2 years', s.at - interval '2 years'
FROM seed_tenants t, seed_sizes s;

INSERT INTO tenant_credentials (tenant_id, kind, client_id, key_id, nonce, ciphertext)
SELECT t.id, 'client_secret', md5('client ' || t.number)::uuid::text, 'seed',
    substring(sha256(int8send(t.number)) FOR 12), sha256(int8send(t.number))
FROM seed_tenants t;

-- Users 1 to 4: a member of all tenants who operates the installation, a member of the largest
-- tenant, a member of twenty, a member of all who starts syncs. 11 to 20: members of all. 101 to
-- 300: one for each tenant.
INSERT INTO users (id, email, display_name, is_operator)
SELECT pg_temp.number_id(65536 + u), email || '@seed.example', name, u = 1
FROM (VALUES (1, 'everywhere', 'Member of all'), (2, 'one', 'Member of one'),
        (3, 'twenty', 'Member of twenty'), (4, 'starter', 'Starter of syncs')) named(u, email, name)
UNION ALL
SELECT pg_temp.number_id(65536 + u), 'neighbour-' || u - 10 || '@seed.example',
    'Neighbour ' || u - 10, false
FROM generate_series(11, 20) u
UNION ALL
SELECT pg_temp.number_id(65536 + 100 + t.number), 'tenant-' || t.number || '@seed.example',
    'Administrator ' || t.number, false
FROM seed_tenants t;

INSERT INTO memberships (user_id, tenant_id, role)
SELECT pg_temp.number_id(65536 + u), t.id, CASE u WHEN 1 THEN 'manager' ELSE 'operator' END
FROM seed_tenants t CROSS JOIN unnest(array[1, 4, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]) u
UNION ALL
SELECT pg_temp.number_id(65536 + 2), t.id, 'operator' FROM seed_tenants t WHERE t.number = 1
UNION ALL
SELECT pg_temp.number_id(65536 + 3), t.id, 'readonly' FROM seed_tenants t WHERE t.number <= 20
UNION ALL
SELECT pg_temp.number_id(65536 + 100 + t.number), t.id, 'owner' FROM seed_tenants t;

-- Inputs in their normal form. Shape 0 selects everything, 1 to 9 the policy types of a category,
-- 10 and above two policy types, and -1 is a sync of groups.
CREATE TEMPORARY TABLE seed_shapes AS
SELECT -1 AS shape, 'directory_groups_sync' AS kind, 'directory_groups' AS lock_scope, '{}' AS inputs
UNION ALL
SELECT shape, 'inventory_sync', 'inventory', '{"policy_types":[' || string_agg('"' || key || '"', ','
    ORDER BY key) || '],"include_foundations":' || (shape = 0)::text
    || ',"include_dependencies":true}'
FROM (
    SELECT 0 AS shape, t.key FROM seed_types t WHERE NOT t.foundation
    UNION ALL
    SELECT c.shape::integer, t.key
    FROM (SELECT category, row_number() OVER (ORDER BY category) AS shape
            FROM (SELECT DISTINCT category FROM seed_types WHERE NOT foundation) known) c
        JOIN seed_types t ON t.category = c.category AND NOT t.foundation
    WHERE c.shape < 10
    UNION ALL
    SELECT 10 + p, t.key FROM generate_series(0, 399) p
        JOIN seed_types t ON t.policy_at IN (1 + p % 80, 2 + p % 80 + p / 80)
    ) selected
GROUP BY shape;

CREATE TEMPORARY TABLE seed_inputs AS
SELECT t.number AS tenant, t.id AS tenant_id, h.shape, h.kind, h.lock_scope,
    h.inputs::jsonb AS inputs, encode(sha256(pg_temp.framed(t.id::text) || pg_temp.framed(h.kind)
        || pg_temp.framed(h.inputs)), 'hex') AS identity,
    encode(sha256(convert_to(h.inputs, 'UTF8')), 'hex') AS selection_hash
FROM seed_tenants t CROSS JOIN seed_shapes h;
CREATE UNIQUE INDEX ON seed_inputs (tenant, shape);
ANALYZE seed_inputs;

-- Runs of ninety days. The newest are running, each in a tenant of its own, then come queued ones,
-- each for something else.
CREATE TEMPORARY TABLE seed_runs AS
SELECT d.*, pg_temp.number_id(d.tenant) AS tenant_id, pg_temp.number_id(65536 + CASE
        WHEN pg_temp.drawn(d.n, 7) < 0.05 THEN 1
        WHEN pg_temp.drawn(d.n, 7) < 0.1 AND d.tenant = 1 THEN 2
        ELSE 100 + d.tenant END) AS initiator_id
FROM (SELECT n, pg_temp.time_id(created_at, n) AS id, created_at, status,
    CASE WHEN status = 'running' THEN s.age + 1
        WHEN pg_temp.drawn(n, 1) < 0.2 THEN 1
        ELSE 2 + floor(199 * power(pg_temp.drawn(n, 2), 2)) END::bigint AS tenant,
    CASE WHEN status = 'running' THEN 0
        WHEN status = 'queued' THEN 10 + (s.age - s.running) % 400
        WHEN pg_temp.drawn(n, 3) < 0.2 THEN -1
        WHEN pg_temp.drawn(n, 3) < 0.8 THEN 0
        ELSE 1 + floor(9 * pg_temp.drawn(n, 4)) END::integer AS shape,
    CASE WHEN status <> 'completed' THEN NULL
        WHEN pg_temp.drawn(n, 5) < 0.02 THEN 'failed'
        WHEN pg_temp.drawn(n, 5) < 0.03 THEN 'cancelled'
        WHEN pg_temp.drawn(n, 5) < 0.06 THEN 'partially_succeeded'
        ELSE 'succeeded' END AS outcome,
    created_at + interval '1 second' * (5 + 300 * pg_temp.drawn(n, 6)) AS ended_at, s.age
FROM (SELECT n, z.runs - n AS age, z.at, z.running,
        z.at - interval '1 second' - interval '90 days' * ((z.runs - n)::double precision / z.runs)
            AS created_at,
        CASE WHEN z.runs - n < z.running THEN 'running'
            WHEN z.runs - n < z.running + z.queued THEN 'queued' ELSE 'completed' END AS status
    FROM (SELECT runs, at, least(20, runs / 50) AS running, least(400, runs / 10) AS queued
            FROM seed_sizes) z CROSS JOIN LATERAL generate_series(1, z.runs) n) s) d;
ANALYZE seed_runs;

INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, status, outcome, inputs,
    initiator_id, retry_of, not_before, expires_at, attempt, failures, worker_id, lease_token,
    lease_expires_at, heartbeat_at, started_at, cancel_requested_at, cancel_requested_by,
    cancel_reason, cancel_deadline_at, progress, counts, error, event_seq, completed_at, created_at,
    updated_at)
SELECT r.id, i.tenant_id, i.kind, i.identity, i.lock_scope, r.status, r.outcome, i.inputs,
    r.initiator_id,
    CASE WHEN r.n > 1000 AND pg_temp.drawn(r.n, 8) < 0.005 THEN pg_temp.time_id(
        z.at - interval '1 second' - interval '90 days'
            * ((z.runs - (r.n - 1000))::double precision / z.runs), r.n - 1000) END,
    r.created_at, r.created_at + interval '24 hours',
    CASE r.status WHEN 'queued' THEN 0 ELSE 1 END,
    CASE r.outcome WHEN 'failed' THEN 1 ELSE 0 END,
    CASE WHEN r.status = 'running' THEN 'seed-worker-' || r.n % 4 END,
    CASE WHEN r.status = 'running' THEN md5('lease ' || r.n)::uuid END,
    CASE WHEN r.status = 'running' THEN z.at + interval '1 day' END,
    CASE WHEN r.status = 'running' THEN z.at END,
    CASE WHEN r.status <> 'queued' THEN r.created_at + interval '1 second' END,
    CASE WHEN r.outcome = 'cancelled' THEN r.created_at + interval '2 seconds' END,
    CASE WHEN r.outcome = 'cancelled' THEN pg_temp.number_id(65536 + 100 + r.tenant) END,
    CASE WHEN r.outcome = 'cancelled' THEN 'Started by mistake.' END,
    CASE WHEN r.outcome = 'cancelled' THEN r.created_at + interval '1 minute' END,
    CASE WHEN r.status <> 'queued' THEN jsonb_build_object('phase', 'collecting', 'completed', 40,
        'failed', 0, 'skipped', 0, 'total', 122, 'items_seen', r.n % 9000) END,
    CASE WHEN r.status = 'completed' THEN jsonb_build_object('types_succeeded', 118,
        'types_failed', CASE WHEN r.outcome = 'succeeded' THEN 0 ELSE 3 END, 'types_skipped', 1,
        'types_incomplete', 0, 'items_seen', r.n % 9000, 'items_created', r.n % 7,
        'items_changed', r.n % 11, 'items_reassigned', r.n % 3, 'items_missing', r.n % 5,
        'items_back', 0) END,
    CASE r.outcome WHEN 'failed' THEN jsonb_build_object('code', 'graph_unavailable', 'detail',
            'Microsoft Graph answered with a server error, repeatedly.', 'retryable', true)
        WHEN 'partially_succeeded' THEN jsonb_build_object('code', 'permission_missing', 'detail',
            '3 policy types failed.', 'retryable', false, 'missing_permissions',
            jsonb_build_array('DeviceManagementConfiguration.Read.All'))
        WHEN 'cancelled' THEN jsonb_build_object('code', 'cancelled', 'detail',
            'The run was cancelled.', 'retryable', false) END,
    CASE r.status WHEN 'queued' THEN 1 WHEN 'running' THEN 2 ELSE 3 END,
    CASE WHEN r.status = 'completed' THEN r.ended_at END, r.created_at,
    CASE WHEN r.status = 'completed' THEN r.ended_at ELSE r.created_at END
FROM seed_runs r JOIN seed_inputs i ON i.tenant = r.tenant AND i.shape = r.shape
    CROSS JOIN seed_sizes z
ORDER BY r.n;

INSERT INTO tenant_fences (tenant_id, scope, fence, token, served_at)
SELECT t.id, scope, 10000, CASE WHEN scope = 'inventory' THEN r.lease_token END, z.at
FROM seed_tenants t CROSS JOIN unnest(array['inventory', 'directory_groups']) scope
    CROSS JOIN seed_sizes z
    LEFT JOIN operation_runs r ON r.tenant_id = t.id AND r.status = 'running';

INSERT INTO workers (id, version, host, slots, started_at, heartbeat_at)
SELECT 'seed-worker-' || w, '0.1.0', 'host-' || w, 8, z.at - interval '3 days', z.at
FROM generate_series(0, 3) w CROSS JOIN seed_sizes z;

-- Of the newest tenth of the runs, and of 2,000 at least, there are events, audit entries and
-- notifications; of the runs of the member of all tenants there are all notifications.
INSERT INTO operation_run_events (run_id, seq, at, attempt, event)
SELECT r.id, e.seq, r.created_at + e.seq * interval '1 second', least(e.seq - 1, 1),
    (array['queued', 'claimed', r.outcome])[e.seq]
FROM seed_runs r CROSS JOIN seed_sizes z CROSS JOIN LATERAL generate_series(1, CASE r.status
    WHEN 'queued' THEN 1 WHEN 'running' THEN 2 ELSE 3 END) e(seq)
WHERE r.age < greatest(z.runs / 10, 2000);

INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, target_id,
    outcome, request_id, detail, occurred_at)
SELECT pg_temp.time_id(a.occurred_at, r.n * 4 + a.place), r.tenant_id, a.actor_kind,
    r.initiator_id, a.action, 'operation_run', r.id::text, a.outcome,
    CASE WHEN a.place = 0 THEN md5('request ' || r.n)::uuid END, a.detail, a.occurred_at
FROM seed_runs r CROSS JOIN seed_sizes z CROSS JOIN LATERAL (
        SELECT 0 AS place, 'user' AS actor_kind, 'operation_run.started' AS action,
            'allowed' AS outcome, jsonb_build_object('kind', CASE WHEN r.shape < 0
                THEN 'directory_groups_sync' ELSE 'inventory_sync' END) AS detail,
            r.created_at AS occurred_at
        UNION ALL
        SELECT 1, 'worker', 'operation_run.completed',
            CASE r.outcome WHEN 'failed' THEN 'failed' ELSE 'allowed' END,
            jsonb_build_object('outcome', r.outcome), r.ended_at WHERE r.status = 'completed'
        UNION ALL
        SELECT 2, 'user', 'operation_run.start_denied', 'denied', NULL, r.created_at
        WHERE pg_temp.drawn(r.n, 53) < 0.01) a
WHERE r.age < greatest(z.runs / 10, 2000)
ORDER BY a.occurred_at;

INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body, created_at, read_at)
SELECT pg_temp.time_id(p.at, r.n * 2 + p.place), r.initiator_id, r.tenant_id, r.id, p.phase, p.title,
    'The inventory sync of ' || t.name || p.body, p.at,
    CASE WHEN pg_temp.drawn(r.n, 10) < 0.9 THEN p.at + interval '1 hour' END
FROM seed_runs r CROSS JOIN seed_sizes z JOIN tenants t ON t.id = r.tenant_id
    CROSS JOIN LATERAL (
        SELECT 0 AS place, 'queued' AS phase, 'Inventory sync queued' AS title,
            ' was queued.' AS body, r.created_at AS at
        UNION ALL
        SELECT 1, 'terminal', 'Inventory sync ' || r.outcome, ' ended.', r.ended_at
        WHERE r.status = 'completed') p
WHERE r.age < greatest(z.runs / 10, 2000) OR r.initiator_id = pg_temp.number_id(65537)
ORDER BY p.at;

-- Syncs, and of the newest thousand the results of each type.
INSERT INTO inventory_sync_runs (run_id, tenant_id, initiator_id, selection, selection_hash,
    created_at)
SELECT r.id, r.tenant_id, r.initiator_id, i.inputs, i.selection_hash, r.created_at
FROM seed_runs r JOIN seed_inputs i ON i.tenant = r.tenant AND i.shape = r.shape CROSS JOIN seed_sizes z
WHERE r.shape >= 0 AND r.status <> 'queued' AND r.age < greatest(z.runs / 5, 2000)
ORDER BY r.n;

INSERT INTO inventory_type_results (run_id, policy_type, status, pages, seen, created, changed,
    missing, started_at, completed_at)
SELECT r.id, t.key, 'succeeded', 1 + t.at % 3, (r.n + t.at) % 400, t.at % 3, t.at % 5, t.at % 2,
    r.created_at, r.ended_at
FROM (SELECT s.* FROM seed_runs s CROSS JOIN seed_sizes z
        WHERE s.shape = 0 AND s.status = 'completed' AND s.age < greatest(z.runs / 5, 2000)
        ORDER BY s.n DESC LIMIT 1000) r CROSS JOIN seed_types t;

-- What the last run of each tenant saw.
ALTER TABLE seed_tenants ADD COLUMN last_run uuid, ADD COLUMN items bigint,
    ADD COLUMN first_item bigint;
UPDATE seed_tenants t SET items = greatest(1, (z.items * t.share)::bigint),
    last_run = md5('no run')::uuid
FROM seed_sizes z;
UPDATE seed_tenants t SET last_run = r.id FROM (
    SELECT DISTINCT ON (tenant) tenant, id FROM seed_runs
    WHERE status = 'completed' AND shape >= 0 ORDER BY tenant, n DESC) r
WHERE r.tenant = t.number;
UPDATE seed_tenants t SET first_item = o.first_item FROM (
    SELECT number, sum(items) OVER (ORDER BY number) - items AS first_item FROM seed_tenants) o
WHERE o.number = t.number;

INSERT INTO inventory_items (id, tenant_id, policy_type, external_id, name, category, platform,
    foundation, scope_tags, assignment_count, metadata, content_hash, assignments_hash, object_links,
    first_seen_at, last_seen_at, changed_at, missing_since, fence, last_seen_run)
SELECT pg_temp.time_id(z.at - interval '80 days', n), s.tenant_id, t.key,
    md5('object ' || n)::uuid::text,
    (array['Baseline', 'Standard', 'Kiosk', 'Executive', 'Pilot', 'Shared device', 'Frontline',
        'Contractor'])[1 + floor(8 * pg_temp.drawn(n, 23))::integer] || ' '
        || (array['Berlin', 'Hamburg', 'Munich', 'Paris', 'London', 'Madrid', 'Rome', 'Vienna',
            'Zurich', 'Prague', 'Warsaw', 'Oslo'])[1 + floor(12 * pg_temp.drawn(n, 24))::integer]
        || ' ' || t.key || ' ' || lpad(k::text, 6, '0'),
    t.category, t.platform, t.foundation,
    CASE WHEN pg_temp.drawn(n, 25) < 0.8 THEN array['0'] ELSE array['0', (n % 9)::text] END,
    CASE WHEN t.foundation THEN NULL ELSE floor(6 * pg_temp.drawn(n, 26))::integer END,
    jsonb_build_object('odata_type', 'microsoft.graph.' || t.key, 'description',
        'Settings for ' || t.platform || ' in their version ' || n % 12, 'created_at',
        '2025-03-01T08:00:00Z', 'modified_at', '2026-02-01T08:00:00Z', 'version', (n % 12)::text),
    sha256(int8send(n)), sha256(int8send(-n)), substring(sha256(int8send(n)) FOR 16),
    z.at - interval '80 days', z.at - interval '1 hour',
    z.at - interval '80 days' * pg_temp.drawn(n, 27),
    CASE WHEN pg_temp.drawn(n, 28) < 0.02 THEN z.at - interval '20 days' END, 9000, s.last_run
FROM (SELECT w.id AS tenant_id, w.last_run, k, w.first_item + k AS n
        FROM seed_tenants w CROSS JOIN LATERAL generate_series(1, w.items) k) s
    CROSS JOIN seed_sizes z
    JOIN seed_types t ON t.at = 1 + floor(123 * power(pg_temp.drawn(s.n, 21), 2))::integer
ORDER BY s.tenant_id, t.at;

INSERT INTO inventory_type_summaries (tenant_id, policy_type, present, missing, data_as_of, last_run)
SELECT i.tenant_id, i.policy_type, count(*) FILTER (WHERE i.missing_since IS NULL),
    count(*) FILTER (WHERE i.missing_since IS NOT NULL), max(i.last_seen_at),
    (array_agg(i.last_seen_run))[1]
FROM inventory_items i GROUP BY i.tenant_id, i.policy_type;

INSERT INTO inventory_left_out (tenant_id, policy_type, external_id)
SELECT t.id, 'mobileApp', md5('left out ' || t.number || ' ' || k)::uuid::text
FROM seed_tenants t CROSS JOIN generate_series(1, 50) k;

-- Groups of the directories.
CREATE TEMPORARY TABLE seed_groups AS
SELECT t.id AS tenant_id, t.number, greatest(10, t.items / 10) AS groups FROM seed_tenants t;
INSERT INTO directory_groups (tenant_id, id, detail, first_seen_at, changed_at, fence)
SELECT g.tenant_id, md5('group ' || g.number || ' ' || k)::uuid, jsonb_build_object('name',
        named.text, 'name_key', lower(named.text), 'security', k % 3 <> 0, 'unified', k % 3 = 0),
    z.at - interval '80 days', z.at - interval '20 days', 9000
FROM seed_groups g CROSS JOIN LATERAL generate_series(1, g.groups) k CROSS JOIN seed_sizes z
    CROSS JOIN LATERAL (SELECT (array['SG', 'Team', 'All', 'Lic', 'App', 'DL', 'CA',
            'Intune'])[1 + floor(8 * pg_temp.drawn(k, 31))::integer] || '-'
        || (array['Sales', 'Finance', 'Marketing', 'Operations', 'Legal', 'Research', 'Support',
            'Logistics'])[1 + floor(8 * pg_temp.drawn(k, 32))::integer] || ' '
        || (array['Berlin', 'Hamburg', 'Munich', 'Paris', 'London', 'Madrid', 'Rome',
            'Vienna'])[1 + floor(8 * pg_temp.drawn(k, 33))::integer] || ' ' || k AS text) named;
INSERT INTO directory_group_readings (tenant_id, delta_link, present, removed, data_as_of, full_at,
    last_run)
SELECT g.tenant_id, 'https://graph.microsoft.com/v1.0/groups/delta?$deltatoken=seed', g.groups, 0,
    z.at - interval '1 hour', z.at - interval '1 day', t.last_run
FROM seed_groups g JOIN seed_tenants t ON t.number = g.number CROSS JOIN seed_sizes z;

-- Contents, links and changes of every tenth item.
CREATE TEMPORARY TABLE seed_linked AS
SELECT pg_temp.time_id(z.at - interval '80 days', w.first_item + k) AS id, w.id AS tenant_id,
    w.number, w.first_item + k AS n, k, w.last_run, g.groups
FROM seed_tenants w JOIN seed_groups g ON g.number = w.number
    CROSS JOIN LATERAL generate_series(1, w.items, 10) k CROSS JOIN seed_sizes z;
ANALYZE seed_linked;

INSERT INTO inventory_contents (item_id, content, assignments)
SELECT s.id, jsonb_build_object('/displayName', 'Object ' || s.n, '/description',
        'What it is for, at some length.', '/settings/0/value', s.n % 100, '/settings/1/value', true),
    jsonb_build_array(jsonb_build_object('target', jsonb_build_object('groupId',
        md5('group ' || s.number || ' ' || 1 + s.k % s.groups))))
FROM seed_linked s;

INSERT INTO inventory_links (item_id, id, tenant_id, source, kind, target_kind, target_id,
    qualifier, dangling)
SELECT s.id, pg_temp.time_id(z.at - interval '80 days', s.n * 4 + l.place), s.tenant_id, l.source,
    l.kind, l.target_kind, l.target_id, '{}', l.dangling
FROM seed_linked s CROSS JOIN seed_sizes z CROSS JOIN LATERAL (VALUES
    (0, 'assignments', 'assigned_to', 'group',
        md5('group ' || s.number || ' ' || 1 + s.k % s.groups)::uuid::text, false),
    (1, 'assignments', CASE WHEN s.k % 4 = 1 THEN 'excluded_from' ELSE 'assigned_to' END, 'group',
        md5('group ' || s.number || ' ' || 1 + s.k % 7)::uuid::text, false),
    (2, 'object', 'scoped_by', 'role_scope_tag', (s.n % 9)::text, s.n % 9 = 8)
    ) l(place, source, kind, target_kind, target_id, dangling);

INSERT INTO inventory_changes (tenant_id, occurred_at, id, item_id, policy_type, kind, run_id, detail)
SELECT i.tenant_id, c.at, pg_temp.time_id(c.at, s.n * 2 + c.place), i.id, i.policy_type, c.kind,
    s.last_run, c.detail
FROM seed_linked s JOIN inventory_items i ON i.id = s.id CROSS JOIN seed_sizes z
    CROSS JOIN LATERAL (
        SELECT 0 AS place, 'created' AS kind, NULL::jsonb AS detail,
            z.at - interval '80 days' + s.n * interval '1 millisecond' AS at
        UNION ALL
        SELECT 1, (array['changed', 'changed', 'reassigned', 'gone', 'back'])[1 + s.k / 10 % 5],
            CASE WHEN s.k / 10 % 5 < 2 THEN jsonb_build_object('fields', jsonb_build_array(
                    jsonb_build_object('field', '/settings/0/value', 'old', s.n % 99,
                        'new', s.n % 100)), 'field_count', 1)
                WHEN s.k / 10 % 5 = 2 THEN jsonb_build_object('added', jsonb_build_array(),
                    'added_count', 0, 'removed', jsonb_build_array(jsonb_build_object('target',
                    jsonb_build_object('groupId', 'none'))), 'removed_count', 1) END,
            z.at - interval '79 days' * pg_temp.drawn(s.n, 41)) c
ORDER BY c.at;

ANALYZE;
