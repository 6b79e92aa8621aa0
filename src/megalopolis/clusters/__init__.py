"""Which cities act as one: communities, hierarchy and corridors against the planned clusters."""
