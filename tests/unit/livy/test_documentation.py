"""docs/spark-sessions.md and docs/apache-livy.md say what the service does."""

import re
from pathlib import Path

import pytest

from hops_livy.conf import ALLOWED, COUNTED, checked_conf

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "spark-sessions.md").read_text(encoding="utf-8")
LIVY_PAGE = (ROOT / "docs" / "apache-livy.md").read_text(encoding="utf-8")


def _sources():
    # The kernel says it where the service knows nothing of the session any more.
    files = [*sorted((ROOT / "hops_livy").rglob("*.py")), ROOT / "kernels" / "hops_kernels" / "remote_errors.py"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    joined = re.sub(r"\"\s*\n\s*f?\"", "", text)  # sentences that are broken over lines
    return re.sub(r"\{[^{}]*\}", "…", joined)


def _section(title, page=PAGE):
    return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _reasons(section):
    return re.findall(r"^\| \*(.+?)\* \|", section, re.MULTILINE)


REASONS = _reasons(_section("Why a session ended, and what to do"))
LIVY_REASONS = _reasons(_section("Why a session ended", LIVY_PAGE))


@pytest.mark.parametrize("reason", [*REASONS, *LIVY_REASONS])
def test_every_reason_of_the_page_is_one_that_the_service_gives(reason):
    phrases = [phrase.strip() for phrase in re.split(r"[….:;,()]| \d+", reason)]
    sources = _sources()
    assert [phrase for phrase in phrases if phrase not in sources] == []


def test_the_page_has_reasons():
    assert len(REASONS) > 10
    assert len(LIVY_REASONS) > 10


def test_every_setting_of_apache_livy_is_on_its_page():
    source = (ROOT / "hops_livy" / "upstream_settings.py").read_text(encoding="utf-8")
    read = {f"HOPS_LIVY_UPSTREAM_{name}" for name in re.findall(r'variables\.\w+\("([A-Z_]+)"', source)}
    assert len(read) == 8
    assert read == set(re.findall(r"^\| `(HOPS_LIVY_UPSTREAM_[A-Z_]+)` \|", LIVY_PAGE, re.MULTILINE))


def test_every_setting_of_the_service_is_in_the_reference():
    sources = [ROOT / "hops_livy" / name for name in ("settings.py", "masters/settings.py", "java.py")]
    read = {
        name for source in sources for name in re.findall(r'"(HOPS_[A-Z0-9_]+)"', source.read_text(encoding="utf-8"))
    }
    reference = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in reference.splitlines() if line.startswith("| `HOPS_")]
    assert len(read) > 40
    assert read - set(re.findall(r"`(HOPS_[A-Z0-9_]+)`", "\n".join(rows))) == set()


def test_the_settings_that_are_called_allowed_are_those_that_are():
    section = _section("Settings of Spark").partition("These are allowed")[2].partition("Refused are")[0]
    listed = re.sub(r"; with GPUs.*?there\n", "\n", section, flags=re.DOTALL)
    names = set(re.findall(r"`(spark\.[^`]+)`", listed))
    dynamic = {name for name in COUNTED if name.startswith("spark.dynamicAllocation.")}
    assert names == {*ALLOWED, *COUNTED} - dynamic
    checked_conf({name.replace("*", "x"): "1" for name in names})
