"""How a name sounds: Double Metaphone, or the name itself where the code is empty."""

from functools import lru_cache

from doublemetaphone import doublemetaphone


@lru_cache(maxsize=1 << 15)
def phonetic_codes(name: str) -> tuple[str, ...]:
    """The primary code and, where it differs, the secondary one.

    >>> phonetic_codes("schmidt"), phonetic_codes("smith"), phonetic_codes("王")
    (('XMT', 'SMT'), ('SM0', 'XMT'), ('王',))
    """
    primary, secondary = doublemetaphone(name)
    if not primary:
        return (name,)
    return (primary, secondary) if secondary and secondary != primary else (primary,)


@lru_cache(maxsize=1 << 15)
def phonetic_code(name: str) -> str:
    """The primary code."""
    return phonetic_codes(name)[0]
