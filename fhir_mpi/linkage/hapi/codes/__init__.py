"""Phonetic codes as Apache Commons Codec makes them, letter for letter; see docs/decisions/0022."""
