-- Which programs work with this schema. A program knows the version of its newest migration: one whose
-- version is below this one is not ready and claims nothing. A migration that takes away what programs
-- of an earlier version need raises it; programs from before this table do not read it.
CREATE TABLE schema_compatibility (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    oldest_program text NOT NULL COLLATE "C" CHECK (oldest_program ~ '^\d{14}$')
);
INSERT INTO schema_compatibility (oldest_program) VALUES ('20261130000043');
