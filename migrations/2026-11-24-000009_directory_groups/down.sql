-- The extension stays: it may have been there before, and others may use it.
DROP TABLE directory_group_readings;
DROP TABLE directory_groups;
