"""Environment: what cities discharge, where it goes, which standards it breaks and what the cheapest cure costs."""
