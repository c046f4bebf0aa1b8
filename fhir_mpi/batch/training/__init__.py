"""Training and whole-population linkage with Splink; nothing here is imported by a server."""
