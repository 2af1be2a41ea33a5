-- What was folded, joined and redacted stays so: versions before read it, too.
SELECT 1;
