-- runs.admit
--
-- Records a run or joins the same active one: one round trip, one commit. The active run is read
-- first and joined without writing its row: many callers of one run would queue for that row, before
-- its worker's heartbeats. Only a miss inserts; a race with another insert ends in DO UPDATE, which
-- always gives a row. The proposed id says whether the run was created. A join is committed without
-- waiting for the disk: only its audit entry could be lost. One exception: a run that still
-- waits gets the priority of who joins it, where that is higher: schedules start runs with a low one.
WITH permitted AS (
    SELECT t.id AS tenant_id, t.name
    FROM memberships m
        JOIN tenants t ON t.id = m.tenant_id
        JOIN users i ON i.id = m.user_id
        JOIN tenant_credentials k ON k.tenant_id = t.id
    WHERE m.user_id = :initiator AND m.tenant_id = :tenant AND m.role = ANY (:roles)
        AND i.disabled_at IS NULL AND t.enabled
),
\ir runs/pieces/admitted.sql
\ir runs/pieces/admission.sql
