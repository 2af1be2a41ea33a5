-- Foreign keys of one column, where a table has one alone to another table.
SELECT f.conrelid::regclass::text, f.confrelid::regclass::text,
    min(a.attname::text)
FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
WHERE f.contype = 'f' AND cardinality(f.conkey) = 1 AND f.conrelid <> f.confrelid
    AND f.conparentid = 0 AND f.connamespace = 'public'::regnamespace
GROUP BY 1, 2 HAVING count(*) = 1 ORDER BY 1, 2
