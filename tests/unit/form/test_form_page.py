from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from hops_contract.options import Allocation, Capacity, ServerLimits, ServerOptions
from hops_contract.problems import Problem, Violation
from hops_spawner.form import form_values, options_from_form, presets, render_form

MACHINE = Capacity(cores=8, memory_mib=16 * 1024)
GPU_MACHINE = Capacity(cores=8, memory_mib=16 * 1024, gpus=2, gpu_labels=("a100", "t4"))
HOSTILE = "</h1><script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """The controls of a page as a browser would send them, their labels, and what would run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.controls: dict[str, dict[str, str | None]] = {}
        self.sent: dict[str, list[str]] = {}
        self.labels: set[str | None] = set()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self._labels_open = 0
        self._select = ""
        self._option: tuple[bool, list[str]] | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        self.attributes |= set(given)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "label":
            self.labels.add(given.get("for"))
            self._labels_open += "for" not in given
        name = given.get("name")
        if tag in {"input", "select"} and name:
            given["labelled"] = "yes" if self._labels_open or given.get("aria-label") else None
            self.controls[name] = given
        if tag == "input" and name and (given.get("type") != "radio" or "checked" in given):
            self.sent[name] = [given.get("value") or ""]
        if tag == "select" and name:
            self._select = name
        if tag == "option" and ("selected" in given or self._select not in self.sent):
            if "value" in given:
                self.sent[self._select] = [given["value"] or ""]
            else:
                self._option = (True, [])

    def handle_data(self, data):
        if self._option:
            self._option[1].append(data)

    def handle_endtag(self, tag):
        if tag == "option" and self._option:
            self.sent[self._select] = ["".join(self._option[1])]
            self._option = None
        if tag == "label":
            self._labels_open = max(0, self._labels_open - 1)


def render(options=None, limits=None, capacity=MACHINE, problem=None, **more) -> str:
    return render_form(
        options or ServerOptions(), limits or ServerLimits(), capacity, problem, **{"project_title": "Weather", **more}
    )


@pytest.mark.parametrize("capacity", [MACHINE, GPU_MACHINE])
def test_every_field_is_a_labelled_control(capacity):
    page = Page(render(capacity=capacity))
    expected = set(form_values(ServerOptions()))
    if not capacity.gpus:
        expected.remove("gpu_label")
    assert set(page.controls) == expected
    for name, control in page.controls.items():
        assert control["labelled"] or control.get("id") in page.labels, f"{name} has no label"
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize(
    "options",
    [
        ServerOptions(),
        ServerOptions(executors=3, executor_memory_mib=1536, driver_memory_mib=2048, idle_timeout_minutes=0),
        ServerOptions(allocation=Allocation.DYNAMIC, min_executors=0, max_executors=7),
        ServerOptions(gpus_per_executor=1, gpu_label="t4", on_no_room="fail"),
        ServerOptions(gpus_per_executor=1, gpu_label="gone-by-now"),
    ],
)
def test_remembered_options_are_filled_in(options):
    assert options_from_form(Page(render(options, capacity=GPU_MACHINE)).sent) == options


def test_what_was_refused_is_shown_again_as_it_was_typed():
    typed = {name: list(texts) for name, texts in form_values(ServerOptions(executors=2)).items()}
    typed |= {"executors": ["many"], "driver_memory_mib": ["-1.25"], "gpu_label": ['"><b>']}
    assert Page(render(typed=typed)).sent == typed


def test_a_violation_stands_beside_its_field_and_is_announced_with_it():
    problem = Problem(
        type="urn:hopslab:problem:invalid",
        title="Invalid",
        status=422,
        detail="These options can't be had.",
        remedy="Ask for less.",
        violations=[
            Violation(field="options.gpus_per_executor", message="5 GPUs were asked for; this machine has 2."),
            Violation(field="options.executors", message="9 executors were asked for; this project may use 8."),
            Violation(field="options", message="20 GiB were asked for; this machine has 16 GiB."),
        ],
    )
    html = render(problem=problem, capacity=GPU_MACHINE)
    for name, sentence in [
        ("gpus_per_executor", "5 GPUs were asked for; this machine has 2."),
        ("executors", "9 executors were asked for; this project may use 8."),
    ]:
        assert re.search(rf'id="{name}-error">{re.escape(sentence)}<', html)
        control = Page(html).controls[name]
        assert control["aria-invalid"] == "true"
        assert f"{name}-error" in control["aria-describedby"].split()
    assert "aria-invalid" not in Page(html).controls["executor_cores"]
    alert = html[html.index('role="alert"') : html.index("</div>", html.index('role="alert"'))]
    assert "These options can&#39;t be had." in alert
    assert "Ask for less." in alert
    assert "20 GiB were asked for; this machine has 16 GiB." in alert
    assert "5 GPUs" not in alert


def test_names_and_sentences_of_people_are_escaped():
    problem = Problem(type="t", title="t", status=422, detail=HOSTILE, remedy=HOSTILE, violations=[
        Violation(field="executors", message=HOSTILE), Violation(field="elsewhere", message=HOSTILE + "2"),
    ])  # fmt: skip
    capacity = GPU_MACHINE.model_copy(update={"gpu_labels": (HOSTILE,)})
    html = render(project_title=HOSTILE, project=HOSTILE, problem=problem, capacity=capacity)
    assert "script" not in Page(html).tags
    assert "alert(1)" in html


def test_nothing_in_the_form_runs_inline():
    page = Page(render(capacity=GPU_MACHINE))
    assert not {"script", "style"} & set(page.tags)
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]


def test_the_sum_counts_the_most_that_can_be_used():
    options = ServerOptions(
        allocation=Allocation.DYNAMIC, max_executors=2, executor_memory_mib=1024, driver_memory_mib=1024
    )
    assert "3 GiB of 16 GiB · 2 of 8 cores" in render(options)
    assert "· 1 of 2 GPUs" in render(ServerOptions(gpus_per_executor=1), capacity=GPU_MACHINE)


@pytest.mark.parametrize(
    ("limits", "capacity", "titles"),
    [
        (ServerLimits(), MACHINE, ["Small", "Two executors"]),
        (ServerLimits(), GPU_MACHINE, ["Small", "Two executors", "GPU"]),
        (ServerLimits(max_executors=1, max_gpus=0), GPU_MACHINE, ["Small"]),
        (ServerLimits(), Capacity(cores=1, memory_mib=1024), []),
    ],
)
def test_only_presets_that_fit_are_offered(limits, capacity, titles):
    offered = presets(limits, capacity)
    assert [preset.title for preset in offered] == titles
    for preset in offered:
        options = options_from_form({name: [text] for name, text in preset.values.items()})
        assert options.total_memory_mib <= min(limits.max_total_memory_mib, capacity.memory_mib)


def test_a_machine_without_gpus_says_so():
    assert "There is no GPU here." in render()


def test_what_stands_beside_its_field_is_not_said_twice():
    said = "99 executors were asked for; this project may use 8."
    problem = Problem(type="t", title="t", status=422, detail=f"These options can't be had. {said}", violations=[
        Violation(field="options.executors", message=said),
    ])  # fmt: skip
    html = render(problem=problem)
    assert html.count(said) == 1
    assert "<strong>These options can&#39;t be had.</strong>" in html
    alone = problem.model_copy(update={"detail": said})
    assert "<strong>Some fields have to be corrected.</strong>" in render(problem=alone)
