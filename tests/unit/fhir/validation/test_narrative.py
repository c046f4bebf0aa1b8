"""Narratives that are shown, and those that are refused."""

import pytest

from fhir_mpi.fhir.validation.narrative import problem

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


@pytest.mark.parametrize(
    "inside",
    [
        "Eve",
        "<p>a<br/>b<br />c</p>",
        "<table class=\"grid\"><tbody><tr><td colspan='2'>a &amp; b &#169; &#xA9;</td></tr></tbody></table>",
        '<a href="Patient/1" title="1 > 0">x</a>',
        '<a href="https://example.org/?a=1&amp;b=2">x</a><a href="#here">y</a><a name="here">z</a>',
        '<img src="data:image/png;base64,AAAA" alt="x"/>',
        '<td style="background-color: #f3f5da" title="it\'s &gt; 1">x</td>',
        '<td style="background-color: #f3f5da" title="x">x</td>',
        '<p style="color: red">x</p><!-- a comment - here -->',
        "a > b",
        '<div xml:lang="en" lang="en">x</div >',
        "<p>javascript: is a language</p>",
    ],
)
def test_plain_markup_is_shown(inside: str) -> None:
    assert problem(f"\n {DIV}{inside}</div> ") is None


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<SCRIPT>alert(1)</SCRIPT>",
        "<iframe/>",
        "<object/>",
        "<form><input/></form>",
        "<svg/>",
        '<svg onload="x"/>',
        '<p onclick="x">a</p>',
        '<p ONCLICK="x">a</p>',
        '<p\nonclick="x">a</p>',
        '<img src="x" onerror="alert(1)"/>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="JavaScript:alert(1)">x</a>',
        '<a href=" java&#9;script:alert(1)">x</a>',
        '<a href="java\nscript:alert(1)">x</a>',
        '<a href="&#106;avascript:alert(1)">x</a>',
        '<a href="&Tab;javascript&colon;alert(1)">x</a>',
        '<a href="\x01javascript:alert(1)">x</a>',
        '<a href="vbscript:x">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<img src="data:image/svg+xml,x"/>',
        '<p style="width: expression(alert(1))">x</p>',
        '<p style="background: url(javascript:x)">x</p>',
        "<!-- a -- b -->x",
        "x<!--><script>alert(1)</script>-->",
        "x<!-- <script>alert(1)</script> -->",
        "<!-- <script> x",
        "<p>x",
        "x</p>",
        "<p><b>x</p></b>",
        "a < b",
        "a & b",
        "a &am<b>p;</b>",
        "<p a=b>x</p>",
        "<p hidden>x</p>",
        '<a href="javascript:alert(1)" href="#">x</a>',
        '<td class="a" class="b">x</td>',
        '<script title="x">alert(1)</script>',
        '<td class="a" onclick="b">x</td>',
        '<td style="width: expression(a)" title="b">x</td>',
        '<a href="urn:x" href="urn:x">x</a>',
        "<!DOCTYPE html>x",
        "<![CDATA[x]]>",
        "<?php x ?>",
        "</div><div>x",
        "</div>x<div>",
        '</div class="a">',
        "<p>x</ p>",
        "</div><!-- x --><br/>",
    ],
)
def test_what_could_run_or_is_not_well_formed_is_refused(inside: str) -> None:
    found = problem(f"{DIV}{inside}</div>")
    assert found is not None
    assert found.endswith("(txt-1)")


@pytest.mark.parametrize(
    "div",
    [
        "",
        "Eve",
        "</div>",
        "</div >",
        "<p>x</p>",
        "<div>x</div>",
        '<div xmlns="urn:x">x</div>',
        '<p xmlns="http://www.w3.org/1999/xhtml">x</p>',
        f"<!-- x -->{DIV}x</div>",
        f"{DIV}x</div>y",
        f"{DIV}x</div><br/>",
        f"{DIV}x</div><div>y</div>",
        f"{DIV}x",
        '<div xmlns="http://www.w3.org/1999/xhtml"/>x',
    ],
)
def test_a_narrative_is_one_div_in_its_namespace(div: str) -> None:
    found = problem(div)
    assert found is not None
    assert found.endswith("(txt-1)")


@pytest.mark.parametrize("inside", ["", " \n\t", "<p> </p>", "<br/>", "<!-- only -->"])
def test_a_narrative_without_content_is_refused(inside: str) -> None:
    assert problem(f"{DIV}{inside}</div>") == "the narrative is empty (txt-2)"


def test_hostile_length_takes_linear_work() -> None:
    for body in ("<p " * 50_000, "<!--" * 50_000, "&" * 100_000, '<p a="' * 50_000, "<" * 100_000):
        assert problem(f"{DIV}{body}</div>") is not None
