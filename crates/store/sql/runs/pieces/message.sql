message AS (
    SELECT c.id AS run_id, :event::text AS event, :notification::uuid AS notification_id,
        :title::text AS title, :body::text AS body, :cancelled_title::text AS cancelled_title,
        :cancelled_body::text AS cancelled_body, :audit::uuid AS audit_id
    FROM changed c
),
