from services_small import china_catalogue, defaults, folder

__all__ = ["china_catalogue", "defaults", "folder"]
