"""Digital public services: what paperwork costs residents of a cluster, and which links to build first."""
