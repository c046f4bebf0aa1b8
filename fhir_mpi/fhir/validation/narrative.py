"""The XHTML of a narrative: one `div` of plain markup, nothing that runs (FHIR R5 Narrative, txt-1, txt-2).

A tokenizer of one regular expression: an XML parser costs a dependency or half a millisecond, and
refusing is simpler than repairing. What it does not understand, it refuses.
"""

import re
from html import unescape
from typing import Final

_ELEMENTS: Final = """
    a abbr acronym address b bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt em
    h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q samp small span strong sub sup table tbody td tfoot
    th thead tr tt ul var
    """
_ATTRIBUTES: Final = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char
    charoff charset class cite colspan compact coords dir frame headers height href hreflang hspace id
    idref lang longdesc name nowrap rel rev rowspan rules scope shape span src start style summary tabindex
    title type valign value vspace width xml:lang xmlns xsi:schemaLocation
    """
ELEMENTS: Final = frozenset(_ELEMENTS.split())
ATTRIBUTES: Final = frozenset(_ATTRIBUTES.split())
NAMESPACE: Final = "http://www.w3.org/1999/xhtml"

# A tag, where `>` may stand in a quoted value, or a comment, where it may not: HTML ends one at `<!-->`.
_TAG: Final = re.compile(
    r"""(<!--(?:(?!--)[^<>])*+-->|<(?!!)(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')++>)""", re.DOTALL
)
_PARTS: Final = re.compile(
    r"<(?P<close>/)?(?P<name>[A-Za-z][A-Za-z0-9]*+)"
    r"""(?P<attributes>(?:\s++[A-Za-z:_-]++\s*+=\s*+(?:"[^"]*+"|'[^']*+'))*+)\s*+(?P<empty>/)?>"""
)
_TEXT: Final = re.compile(r"(?:[^<&]++|&(?:[A-Za-z][A-Za-z0-9]*+|#[0-9]++|#x[0-9A-Fa-f]++);)*+")
# A tag with one or two different attributes that do nothing: most tags with attributes are one.
_QUIET: Final = r'(?:(?:class|colspan|rowspan|title)="[^"<&]*+"|style="[-#%.,:; A-Za-z0-9]*+")'
_HARMLESS: Final = re.compile(rf"<(\w++) (?=(\w++)){_QUIET}(?: (?!\2=){_QUIET})?+>", re.ASCII)
_OPENING: Final = {f"<{name}>": name for name in ELEMENTS}
_ROOT: Final = {f'<div xmlns="{NAMESPACE}">': "div"}
_CLOSING: Final = {f"</{name}>": name for name in ELEMENTS}
_ATTRIBUTE: Final = re.compile(r"""\s++([A-Za-z:_-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""")
_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*)\s*:")
_BROKEN: Final = "the narrative is not well-formed XHTML (txt-1)"
_DIV_ONLY: Final = "the narrative is not one div (txt-1)"
_SAFE_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel", "urn", "data", "cid", "ftp", "mllp"})
_ACTIVE_STYLE: Final = re.compile(
    r"expression\s*\(|javascript|behavior\s*:|-moz-binding|@import|\\", re.IGNORECASE
)
_ACTIVE_DATA: Final = re.compile(r"\s*data\s*:(?!\s*image/(?:png|jpeg|gif|webp)[;,])", re.IGNORECASE)


def problem(div: str) -> str | None:
    """What is wrong with a Narrative.div, None where nothing is.

    >>> problem('<div xmlns="http://www.w3.org/1999/xhtml">Eve</div>')
    >>> problem('<div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div>')
    'the element is not allowed in a narrative (txt-1)'
    """
    pieces = _TAG.split(div.strip())
    text, tags = "\0".join(pieces[::2]), pieces[1::2]
    if not tags or pieces[0] or pieces[-1] or not _TEXT.fullmatch(text):
        return _BROKEN
    found = _DIV_ONLY if tags[0].startswith("<!--") else _tags_problem(tags)
    if found is None and not text.strip("\0 \t\r\n") and not any(tag.startswith("<img") for tag in tags):
        return "the narrative is empty (txt-2)"
    return found


def _tags_problem(tags: list[str]) -> str | None:
    open_elements: list[str] = []
    for index, tag in enumerate(tags):
        if tag in _CLOSING:  # the two plain forms first: they are nearly all
            if not open_elements or open_elements.pop() != _CLOSING[tag]:
                return _BROKEN
            continue
        if index and not open_elements:
            return _DIV_ONLY
        name = (_OPENING.get(tag) or _harmless(tag)) if index else _ROOT.get(tag)
        if name:
            open_elements.append(name)
        elif not tag.startswith("<!--"):
            found = _tag_problem(tag, open_elements, first=index == 0)
            if found:
                return found
    return _BROKEN if open_elements else None


def _harmless(tag: str) -> str | None:
    found = _HARMLESS.fullmatch(tag)
    return found[1] if found and found[1] in ELEMENTS else None


def _tag_problem(tag: str, open_elements: list[str], *, first: bool) -> str | None:
    parts = _PARTS.fullmatch(tag)
    if parts is None:
        return _BROKEN
    name = parts["name"]
    if parts["close"]:  # with blanks in it, or of no element we know
        wrong = parts["attributes"] or parts["empty"] or first or open_elements.pop() != name
        return _BROKEN if wrong else None
    if first and name != "div":
        return _DIV_ONLY
    if name not in ELEMENTS:
        return "the element is not allowed in a narrative (txt-1)"
    if not parts["empty"]:
        open_elements.append(name)
    return _attributes_problem(parts["attributes"], first=first)


def _attributes_problem(attributes: str, *, first: bool) -> str | None:
    pairs = [(name, one or other) for name, one, other in _ATTRIBUTE.findall(attributes)]
    found = dict(pairs)
    if len(found) != len(pairs):
        return _BROKEN
    if first and found.get("xmlns") != NAMESPACE:
        return "the div must be in the XHTML namespace (txt-1)"
    for name, value in found.items():
        if name not in ATTRIBUTES and not name.startswith("xmlns:"):
            return "the attribute is not allowed in a narrative (txt-1)"
        if _is_active(name, value):
            return "the attribute could run or load something (txt-1)"
    return None


def _is_active(name: str, value: str) -> bool:
    if name == "style":
        return bool(_ACTIVE_STYLE.search(_plain(value)))
    if name not in ("href", "src", "cite", "longdesc"):
        return False
    target = _plain(value)
    scheme = _SCHEME.match(target)
    return bool(scheme and scheme[1].lower() not in _SAFE_SCHEMES) or bool(_ACTIVE_DATA.match(target))


def _plain(value: str) -> str:
    """The value as a browser reads it: references resolved, control characters and blanks dropped."""
    return re.sub(r"[\x00-\x20]+", "", unescape(value)) if "&" in value or not value.isprintable() else value
