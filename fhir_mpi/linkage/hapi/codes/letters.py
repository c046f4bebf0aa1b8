"""What the codes have in common: which letters of a text they look at."""


def letters_of(text: str) -> str:
    """The letters of any script, in capitals.

    >>> letters_of("O'Brien-Łoś 3")
    'OBRIENŁOŚ'
    """
    return "".join([letter for letter in text if letter.isalpha()]).upper()


def latin_letters_of(text: str) -> str:
    """A to Z alone, or the letters of any script where there is none of these.

    Commons Codec gives up on other letters; without them, two names that have nothing else would be equal.

    >>> latin_letters_of("Łoś"), latin_letters_of("王")
    ('O', '王')
    """
    letters = letters_of(text)
    return "".join([letter for letter in letters if "A" <= letter <= "Z"]) or letters
