DROP TABLE tenant_schedules;
