-- migrations.applied
--
-- The versions of the migrations that were applied. The table is that of diesel's runner.
SELECT m.version FROM __diesel_schema_migrations m ORDER BY m.version
