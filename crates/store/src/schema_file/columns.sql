-- Columns of tables, in their order, and whether they belong to the primary key.
SELECT c.relname, a.attname, t.typname, a.attnotnull,
    coalesce(a.attnum = ANY (i.indkey), false) AS is_key
FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition AND c.relname !~ '^__diesel'
ORDER BY c.relname, a.attnum
