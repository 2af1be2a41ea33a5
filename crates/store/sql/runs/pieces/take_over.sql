-- Follows `held`, a run whose row and whose fence's row are locked: raises the fence.
fenced AS (
    UPDATE tenant_fences f
    SET fence = f.fence + 1, token = NULL
    FROM held h
    WHERE f.tenant_id = h.tenant_id AND f.scope = h.lock_scope
    RETURNING h.id
),
