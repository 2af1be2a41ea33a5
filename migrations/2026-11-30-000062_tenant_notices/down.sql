DROP TABLE tenant_notices;
