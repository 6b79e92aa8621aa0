"""Travel: minutes between cities, by road and by rail."""
