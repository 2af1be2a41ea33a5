-- One object has one row, however Microsoft Graph writes its id: GUIDs stand in lower case, and a
-- singleton stands under the key of its policy type. User information in URLs is redacted. Why hashes
-- of content are left as they are: docs/adr/0003-former-hashes.md.
--
-- Only rows that match are written. All functions and tables made here are temporary.

-- As `fold_guids` in crates/domain/src/guid.rs.
CREATE FUNCTION pg_temp.fold_guids(id text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    guid CONSTANT text := '(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'
        '(?![0-9A-Za-z])';
    between CONSTANT text[] := regexp_split_to_array(id, guid);
    folded text := between[1];
    place integer := 1;
    found text;
BEGIN
    FOR found IN SELECT m[1] FROM regexp_matches(id, '(' || guid || ')', 'g') m LOOP
        place := place + 1;
        folded := folded || lower(found) || between[place];
    END LOOP;
    RETURN folded;
END
$$;

-- Whether an id may have to be folded; cheap, and true of some that need not.
CREATE FUNCTION pg_temp.may_fold(id text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT id ~ '[A-F]' AND id ~ '[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-'
$$;

-- As `redact` in crates/graph/src/row/user_information.rs.
CREATE FUNCTION pg_temp.redact(told text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT regexp_replace(told, '//[^/?# \t\n\f\r]+@', '//redacted@', 'g')
$$;

-- Every string in a value, and no name of a member.
CREATE FUNCTION pg_temp.redact(told jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    CASE jsonb_typeof(told)
        WHEN 'string' THEN
            RETURN to_jsonb(pg_temp.redact(told #>> '{}'));
        WHEN 'array' THEN
            RETURN (SELECT coalesce(jsonb_agg(pg_temp.redact(e.one) ORDER BY e.place), '[]')
                FROM jsonb_array_elements(told) WITH ORDINALITY e(one, place));
        WHEN 'object' THEN
            RETURN (SELECT coalesce(jsonb_object_agg(e.key, pg_temp.redact(e.value)), '{}')
                FROM jsonb_each(told) e);
        ELSE
            RETURN told;
    END CASE;
END
$$;

-- Whether a value may have to be redacted, by its text: white space other than the blank is escaped
-- there, so that this is true of all that have to be, and of some others.
CREATE FUNCTION pg_temp.may_redact(told jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT told::text ~ '//[^/?# ]+@'
$$;

CREATE TEMPORARY TABLE singletons (policy_type text PRIMARY KEY) ON COMMIT DROP;
INSERT INTO singletons VALUES
    ('adminConsentRequestPolicy'),
    ('androidManagedStoreAccount'),
    ('applePushNotificationCertificate'),
    ('authenticationFlowsPolicy'),
    ('authenticationMethodsPolicy'),
    ('authorizationPolicy'),
    ('crossTenantAccessDefault'),
    ('deviceManagementSettings'),
    ('deviceRegistrationPolicy'),
    ('securityDefaults'),
    ('windowsAutopilotSettings');

-- Items that get another id.
CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
SELECT i.id, i.tenant_id, i.policy_type, i.policy_type AS external_id
FROM inventory_items i JOIN singletons s ON s.policy_type = i.policy_type
WHERE i.external_id <> i.policy_type
UNION ALL
SELECT i.id, i.tenant_id, i.policy_type, pg_temp.fold_guids(i.external_id)
FROM inventory_items i
WHERE pg_temp.may_fold(i.external_id) AND pg_temp.fold_guids(i.external_id) <> i.external_id
    AND i.policy_type NOT IN (SELECT s.policy_type FROM singletons s);

-- All rows of each object that one of them belongs to, and which of them is kept: one that is there,
-- else the one that was seen last. Versions before stored the body of an error in place of a singleton
-- and took the singleton for gone: such a row is kept last, and the singleton is there.
CREATE TEMPORARY TABLE rows_of_objects ON COMMIT DROP AS
SELECT o.id, o.tenant_id, o.policy_type, o.external_id,
    first_value(o.id) OVER (object ORDER BY e.is_error, i.missing_since IS NOT NULL,
        i.last_seen_at DESC, o.id) AS kept,
    min(i.first_seen_at) OVER object AS first_seen_at,
    bool_or(i.missing_since IS NULL) OVER object AS present
FROM (SELECT m.id, m.tenant_id, m.policy_type, m.external_id FROM moved m
        UNION
        SELECT i.id, i.tenant_id, i.policy_type, i.external_id FROM moved m
            JOIN inventory_items i ON i.tenant_id = m.tenant_id AND i.policy_type = m.policy_type
                AND i.external_id = m.external_id) o
    JOIN inventory_items i ON i.id = o.id
    LEFT JOIN inventory_contents c ON c.item_id = o.id
    CROSS JOIN LATERAL (SELECT o.external_id = o.policy_type
        AND coalesce(c.content ?| array['/error/code', '/error/message'], false)
        AND NOT EXISTS (SELECT 1 FROM jsonb_object_keys(c.content) k
            WHERE NOT starts_with(k, '/error/')) AS is_error) e
WINDOW object AS (PARTITION BY o.tenant_id, o.policy_type, o.external_id);

UPDATE inventory_changes x SET item_id = r.kept FROM rows_of_objects r
WHERE r.kept <> r.id AND x.tenant_id = r.tenant_id AND x.item_id = r.id;

-- Contents and links go with their item.
DELETE FROM inventory_items i USING rows_of_objects r WHERE i.id = r.id AND r.kept <> r.id;

UPDATE inventory_items i SET external_id = r.external_id,
    name = CASE WHEN i.name = i.external_id THEN r.external_id ELSE i.name END,
    first_seen_at = r.first_seen_at,
    missing_since = CASE WHEN r.present THEN NULL ELSE i.missing_since END
FROM rows_of_objects r WHERE i.id = r.id AND r.kept = r.id;

UPDATE inventory_type_summaries y SET present = n.present, missing = n.missing
FROM (SELECT i.tenant_id, i.policy_type,
            count(*) FILTER (WHERE i.missing_since IS NULL) AS present,
            count(*) FILTER (WHERE i.missing_since IS NOT NULL) AS missing
        FROM inventory_items i
        WHERE (i.tenant_id, i.policy_type) IN (SELECT r.tenant_id, r.policy_type
            FROM rows_of_objects r WHERE r.kept <> r.id)
        GROUP BY i.tenant_id, i.policy_type) n
WHERE y.tenant_id = n.tenant_id AND y.policy_type = n.policy_type;

UPDATE inventory_items i SET scope_tags = (
    SELECT array_agg(DISTINCT pg_temp.fold_guids(t) COLLATE "C"
        ORDER BY pg_temp.fold_guids(t) COLLATE "C") FROM unnest(i.scope_tags) t)
WHERE pg_temp.may_fold(array_to_string(i.scope_tags, ' '));

-- Links to the same target, written in several ways, are one link.
CREATE TEMPORARY TABLE relinked ON COMMIT DROP AS
SELECT l.item_id, l.id FROM inventory_links l
WHERE pg_temp.may_fold(l.target_id) OR pg_temp.may_fold(l.qualifier::text)
    OR pg_temp.may_redact(l.qualifier) OR l.target_id ~ '//[^/?# ]+@';

UPDATE inventory_links l SET target_id = pg_temp.fold_guids(pg_temp.redact(l.target_id)),
    qualifier = (SELECT coalesce(jsonb_object_agg(q.key, CASE WHEN right(q.key, 3) = '_id'
            THEN pg_temp.fold_guids(q.value) ELSE pg_temp.redact(q.value) END), '{}')
        FROM jsonb_each_text(l.qualifier) q)
FROM relinked r WHERE l.item_id = r.item_id AND l.id = r.id;

DELETE FROM inventory_links l USING (
    SELECT k.item_id, k.id, row_number() OVER (PARTITION BY k.item_id, k.source, k.kind,
        k.target_kind, k.target_id, k.qualifier ORDER BY k.id) AS place
    FROM inventory_links k WHERE k.item_id IN (SELECT r.item_id FROM relinked r)) again
WHERE l.item_id = again.item_id AND l.id = again.id AND again.place > 1;

UPDATE inventory_contents c SET content = pg_temp.redact(c.content),
    assignments = pg_temp.redact(c.assignments)
WHERE pg_temp.may_redact(c.content) OR pg_temp.may_redact(c.assignments);

UPDATE inventory_changes x SET detail = pg_temp.redact(x.detail)
WHERE pg_temp.may_redact(x.detail);

UPDATE inventory_items i SET name = pg_temp.redact(i.name), metadata = pg_temp.redact(i.metadata)
WHERE i.name ~ '//[^/?# ]+@' OR pg_temp.may_redact(i.metadata);

UPDATE directory_groups g SET detail = pg_temp.redact(g.detail)
WHERE pg_temp.may_redact(g.detail);

DROP TABLE singletons, moved, rows_of_objects, relinked;
DROP FUNCTION pg_temp.fold_guids(text), pg_temp.may_fold(text), pg_temp.redact(text),
    pg_temp.redact(jsonb), pg_temp.may_redact(jsonb);
