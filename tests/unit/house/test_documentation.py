"""The documentation names every command and every setting, and its links lead somewhere."""

import re
from pathlib import Path

import pytest
import typer
from jupyterlab_hops.handlers import routes

from hops_platform.settings import Settings
from hopslab.cli import app
from jupyterhub_config.settings import SiteSettings

ROOT = Path(__file__).resolve().parents[3]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"]
# Passed between the library's own processes, never set by anybody.
INTERNAL = {"HOPS_EXPERIMENT_WORKER", "HOPS_JOB_NAME", "HOPS_TENSORBOARD", "HOPS_TRAINING_COMMAND"}
PRODUCTS = (
    "hops_platform",
    "hops_livy",
    "hops_spawner",
    "hopslab",
    "jupyterhub_config",
    "kernels",
    "user_library",
    "server_extension",
)


def product_files():
    return [file for product in PRODUCTS for file in (ROOT / product).rglob("*.py")]


def setting_names():
    names = set()
    for model in (SiteSettings, Settings):
        names |= {
            f"HOPS_{name.upper()}" for name, field in model.model_fields.items() if field.validation_alias is None
        }
    for file in product_files():
        names |= set(re.findall(r"[\"'](HOPS_[A-Z0-9_]*[A-Z0-9])[\"']", file.read_text(encoding="utf-8")))
    return names - INTERNAL


def test_every_setting_is_documented():
    documented = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    missing = {name for name in setting_names() if not re.search(rf"\b{name}\b", documented)}
    assert not missing


def test_every_setting_in_the_reference_exists():
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    sources = "\n".join(file.read_text(encoding="utf-8") for file in product_files())
    unknown = {
        name for name in re.findall(r"`(HOPS_[A-Z0-9_]+)`", page) if name not in setting_names() and name not in sources
    }
    assert not unknown


def test_every_command_and_its_options_are_documented():
    page = (ROOT / "docs/reference/command-line.md").read_text(encoding="utf-8")
    for name, command in typer.main.get_command(app).commands.items():
        row = next((line for line in page.splitlines() if line.startswith(f"| `hopslab {name}")), None)
        assert row, f"hopslab {name} is not documented"
        for parameter in command.params:
            option = next((text for text in parameter.opts if text.startswith("--")), None)
            assert option is None or option in row, f"hopslab {name} {option} is not documented"


def test_every_route_of_the_server_extension_is_documented():
    page = (ROOT / "docs/how-it-fits.md").read_text(encoding="utf-8")
    documented = re.sub(r"[{<][^}>`]*[}>]", "*", page)
    missing = set()
    for pattern, _ in routes("/"):
        # What it takes from the address stands there in braces, and an ellipsis for all that follows.
        shown = re.sub(r"\([^)]*\)", "*", pattern.removesuffix("(.*)")).lstrip("/")
        end = "" if shown.endswith("/") else r"(?![\w:/])"
        if not re.search(f"{re.escape(shown)}{end}", documented):
            missing.add(shown)
    assert missing == set()


def test_every_make_target_is_documented():
    documented = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {target for target in targets if target != "help" and f"make {target}" not in documented} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_places_that_pages_name_exist():
    named = {
        (page.name, place)
        for page in PAGES
        for place in re.findall(
            r"`((?:docs|examples|hops\w*|jupyterhub_config|labextension|requirements|tests)/[\w./-]*)`",
            page.read_text("utf-8"),
        )
    }
    invented = {("new-subject.md", "hops_platform/notes/")}
    assert {(page, place) for page, place in named - invented if not (ROOT / place).exists()} == set()


def test_the_subject_that_the_page_about_new_ones_shows_has_every_room():
    page = (ROOT / "docs/new-subject.md").read_text(encoding="utf-8")
    rooms = re.findall(r"^   \| `(\w+\.py)`", page, re.MULTILINE)
    assert len(rooms) == 5
    assert [room for room in rooms if not (ROOT / "hops_platform/servers" / room).exists()] == []


def test_every_decision_says_what_and_why():
    for record in (ROOT / "docs/decisions").glob("*.md"):
        text = record.read_text(encoding="utf-8")
        assert "**Decided.**" in text, record.name
        assert "**Why.**" in text, record.name


def test_pictures_are_small():
    assert [image.name for image in (ROOT / "docs/images").glob("*") if image.stat().st_size > 200_000] == []
