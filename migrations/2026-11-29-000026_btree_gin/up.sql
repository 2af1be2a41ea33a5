-- Lets an index of trigrams have the tenant before them. A trusted extension of PostgreSQL's own
-- distribution: a database's owner may create it.
CREATE EXTENSION IF NOT EXISTS btree_gin;
