DROP TABLE start_keys;
