"""A report's page: sections with a text, a chart and a table each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, Template
from markupsafe import Markup

from fhir_mpi import __version__


@dataclass(frozen=True, slots=True)
class Table:
    headings: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Section:
    """`charts` are SVG texts of our own; everything else is escaped."""

    title: str
    text: str = ""
    charts: Sequence[str] = ()
    table: Table | None = None


def write_page(path: Path, title: str, sections: Sequence[Section]) -> None:
    """One HTML file that needs nothing else: no script, no style and no picture from anywhere."""
    path.write_text(
        _template().render(title=title, sections=sections, version=__version__, drawn=Markup),
        encoding="utf-8",
    )


@cache
def _template() -> Template:
    loader = PackageLoader("fhir_mpi.batch.reports", "templates")
    return Environment(loader=loader, autoescape=True, trim_blocks=True).get_template("report.html")
