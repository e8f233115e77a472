"""Local servers that speak the outside protocols, and the composed music of the demo; never used by a service."""
