-- system.examine
--
-- What the connection and the server are like. A server that shows the pooler's connection and not
-- ours has no row of pg_stat_ssl for it.
SELECT current_database()::text AS database,
    current_user::text AS role,
    current_setting('server_version_num')::integer AS version,
    coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false) AS encrypted,
    host(inet_client_addr())::text AS client,
    clock_timestamp() AS now
