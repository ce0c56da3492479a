"""PREMIS 3.0: objects, events, agents and rights of a package."""
