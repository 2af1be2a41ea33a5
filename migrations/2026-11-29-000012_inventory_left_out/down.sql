DROP TABLE inventory_left_out;
