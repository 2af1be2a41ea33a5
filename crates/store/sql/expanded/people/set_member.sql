-- Written by `cargo xtask schema` from people/set_member.sql.
-- $1 user: uuid
-- $2 tenant: uuid
-- $3 role: text
-- people.set_member
--
-- Gives a user a role in a tenant, in place of the one before. No row when the user has it already.
INSERT INTO memberships (user_id, tenant_id, role)
VALUES ($1, $2, $3)
ON CONFLICT (user_id, tenant_id) DO UPDATE SET role = EXCLUDED.role
    WHERE memberships.role <> EXCLUDED.role
