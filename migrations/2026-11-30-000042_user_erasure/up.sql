-- When a person's data were erased. The row stays under a pseudonym, for the runs that refer to it.
ALTER TABLE users ADD COLUMN erased_at timestamptz;
