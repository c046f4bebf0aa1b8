"""How good a model is, and what another would change: through the path that serves."""
