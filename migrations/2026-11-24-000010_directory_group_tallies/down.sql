DROP TABLE directory_group_tallies;
