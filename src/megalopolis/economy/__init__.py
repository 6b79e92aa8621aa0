"""Economy: a spatial equilibrium of cities with trade, migration, housing and external economies."""
