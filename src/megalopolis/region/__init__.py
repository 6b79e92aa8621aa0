"""What is: the tables of a region, read, checked, never changed."""

from megalopolis.region.region import Region, RegionMeta

__all__ = ["Region", "RegionMeta"]
