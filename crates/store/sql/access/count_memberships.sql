-- access.count_memberships
SELECT count(*) AS count FROM memberships m WHERE m.user_id = :user
