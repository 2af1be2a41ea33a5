-- system.missing_rights
--
-- What the role may not do with the tables of the programs: those in the schema of operation_runs. Of a
-- part of a table the whole decides. What migrations write is only read otherwise.
SELECT c.relname::text AS table_name, p.privilege
FROM pg_class c
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS p(privilege)
WHERE c.relnamespace = (SELECT o.relnamespace FROM pg_class o WHERE o.oid = to_regclass('operation_runs'))
    AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition
    AND NOT has_table_privilege(c.oid, p.privilege)
    AND (p.privilege = 'SELECT'
        OR c.relname NOT IN ('__diesel_schema_migrations', 'schema_compatibility'))
ORDER BY c.relname, p.privilege
