"""Reports stand by themselves, and what is in them is escaped."""

import re
from pathlib import Path

from fhir_mpi.batch.reports.charts import Line, bars, curves, histogram, waterfall
from fhir_mpi.batch.reports.page import Section, Table, write_page


def test_a_page_fetches_nothing_and_escapes_what_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    charts = [bars([("<b>", (1.0,))], ("m",)), waterfall([("prior", -2.0)])]
    write_page(path, "<i>", [Section("<u>", "<s>", charts, Table(("<a>",), [("<p>",)]))])
    text = path.read_text()
    assert not re.search(r"https?://|<script|<link|<img|url\(", text)
    assert not re.search(r"<i>|<u>|<s>|<b>|<a>|<p><", text)
    assert text.count("<svg") == 2


def test_negative_bars_begin_where_the_scale_says() -> None:
    drawn = bars([("less", (-5.0,)), ("more", (5.0,))], ("weight",))
    lefts = [float(x) for x in re.findall(r'<rect x="([\d.]+)"', drawn)]
    assert lefts[2] > lefts[1]  # the first is the legend's


def test_nothing_to_draw_is_no_chart() -> None:
    assert histogram([], 1.0, "bits") == curves([], "x") == ""


def test_curves_keep_within_the_frame() -> None:
    drawn = curves([Line("one", [(0.0, 0.0), (5.0, 10.0)]), Line("two", [(1.0, 1.0)])], "x")
    assert drawn.count("<polyline") == 2
    assert 'points="44.0,196.0 596.0,44.0"' in drawn
