-- migrations.state
--
-- The versions of the migrations that were applied, and the oldest program that works with what they
-- made. The first table is that of diesel's runner.
SELECT ARRAY(SELECT m.version::text FROM __diesel_schema_migrations m ORDER BY m.version) AS applied,
    (SELECT c.oldest_program FROM schema_compatibility c) AS oldest_program
