"""The web map's server: REST with an OpenAPI page, one live channel, and a worker for whole evaluations."""
