"""Splink's models, read as they are: levels whose conditions are SQL, weighed as Splink weighs them."""
