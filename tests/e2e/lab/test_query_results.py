"""The result of a query in a notebook: a table that can be sorted, and charts, in a light and in a dark Lab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from .notebook_page import choose_theme

pytestmark = pytest.mark.browser
LOADED_MS = 60_000
"""Lab loads Vega with the first chart."""
PICTURES = Path(__file__).resolve().parents[3] / "test-results"
TABLE = "application/vnd.hops.table.v1+json"
ODD = 'rain "mm"\\.[0]'
CITIES = ["Bergen", "Oslo", "Tromsø", "<img src=x onerror=alert(1)>"]


def result(columns: list[tuple[str, str]], rows: list[list[Any]], **more: Any) -> dict[str, Any]:
    named = [{"name": name, "kind": kind} for name, kind in columns]
    counts = {"total_rows": len(rows), "total_columns": len(columns), "row_limit": None}
    return {"columns": named, "rows": rows, **counts, **more}


WEATHER = result(
    [("city", "text"), ("day", "time"), (ODD, "number"), ("temperature", "number"), ("wet", "boolean")],
    [
        [city, f"2026-01-{day:02}", round((day * 7 + place * 11) % 23 + 0.5, 1), 4 * place - day / 3, day % 3 > 0]
        for day in range(1, 25)
        for place, city in enumerate(CITIES)
    ],
    total_rows=2500,
    row_limit=2500,
)
NOTHING = result([("city", "text"), ("rain", "number")], [])


@pytest.fixture
def notebook(open_lab: Page, lab: Any) -> Page:
    """A notebook that was saved with two results."""
    cells = [
        nbformat.v4.new_code_cell(
            code,
            outputs=[
                nbformat.v4.new_output(
                    "execute_result", data={TABLE: table, "text/html": "<b>as HTML</b>", "text/plain": "plain"}
                )
            ],
        )
        for code, table in (("%%sql\nSELECT * FROM weather", WEATHER), ("%%sql\nSELECT * FROM nothing", NOTHING))
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = lab.folder / "Jupyter" / "results.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    open_lab.locator(".jp-DirListing-content").get_by_text("Jupyter").dblclick()
    open_lab.locator(".jp-DirListing-content").get_by_text("results.ipynb").dblclick()
    open_lab.locator(".jp-Hops-table").first.wait_for()
    PICTURES.mkdir(exist_ok=True)
    return open_lab


def column(output: Locator, place: int) -> list[str]:
    return output.locator(f"tbody td:nth-child({place})").all_inner_texts()


def drawn(output: Locator) -> Locator:
    return output.get_by_role("figure").locator("svg.marks")


def test_a_result_is_a_table_that_a_click_sorts(notebook: Page) -> None:
    output = notebook.locator(".jp-Hops-table").first
    expect(output.get_by_role("button", name="Table")).to_have_attribute("aria-pressed", "true")
    expect(notebook.get_by_text("as HTML")).to_have_count(0)
    expect(output.get_by_role("status")).to_contain_text("Showing 96 of 2500 rows.")
    assert column(output, 1)[:4] == CITIES
    rain = output.get_by_role("columnheader", name=ODD)
    rain.get_by_role("button").click()
    expect(rain).to_have_attribute("aria-sort", "ascending")
    values = [float(text) for text in column(output, 3)]
    assert values == sorted(values)
    notebook.keyboard.press("Enter")
    expect(rain).to_have_attribute("aria-sort", "descending")
    assert [float(text) for text in column(output, 3)] == values[::-1]
    notebook.screenshot(path=PICTURES / "table-light.png")


def test_charts_are_drawn_and_follow_what_is_chosen(notebook: Page) -> None:
    output = notebook.locator(".jp-Hops-table").first
    for chart in ("Bar", "Line", "Area", "Scatter", "Pie"):
        output.get_by_role("button", name=chart, exact=True).click()
        expect(drawn(output)).to_be_visible(timeout=LOADED_MS)
        expect(output.get_by_role("figure", name=f"{chart} chart")).to_be_visible()
        output.screenshot(path=PICTURES / f"chart-{chart.lower()}-light.png")
    output.get_by_role("button", name="Bar", exact=True).click()
    output.get_by_label("Colour").select_option(label="city")
    expect(drawn(output).get_by_text("Tromsø")).to_be_visible()
    expect(drawn(output).get_by_text(f"Sum of {ODD}")).to_be_visible()
    notebook.screenshot(path=PICTURES / "chart-light.png")
    drawn(output).locator(".mark-rect path").nth(5).hover()
    expect(notebook.locator("#vg-tooltip-element.visible")).to_contain_text("city")
    notebook.screenshot(path=PICTURES / "chart-tooltip.png")


def test_a_chart_follows_the_theme(notebook: Page) -> None:
    output = notebook.locator(".jp-Hops-table").first
    output.get_by_role("button", name="Bar", exact=True).click()
    expect(drawn(output)).to_be_visible(timeout=LOADED_MS)
    label = drawn(output).get_by_text("2026-01-01").first
    light = label.get_attribute("fill")
    choose_theme(notebook, "JupyterLab Dark")
    try:
        expect(label).not_to_have_attribute("fill", str(light))
        notebook.screenshot(path=PICTURES / "chart-dark.png")
        output.get_by_role("button", name="Table").click()
        notebook.screenshot(path=PICTURES / "table-dark.png")
    finally:
        choose_theme(notebook, "JupyterLab Light")


def test_a_result_without_rows_says_what_to_do(notebook: Page) -> None:
    output = notebook.locator(".jp-Hops-table").nth(1)
    expect(output.get_by_role("status")).to_have_text("The query gave no rows. Change it and run the cell again.")
    output.get_by_role("button", name="Bar", exact=True).click()
    expect(output).to_contain_text("no rows to draw")
