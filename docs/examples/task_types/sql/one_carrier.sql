SELECT :carrier AS carrier, CAST(:flights AS INTEGER) * 2 AS doubled;
