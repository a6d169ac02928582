"""What a look at one thing gives, and how all looks are printed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Grade(StrEnum):
    """How well something is."""

    GOOD = "good"
    BETTER = "could be better"
    MISSING = "missing"
    """The platform does not work without it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing.

    Attributes:
        subject: The thing.
        grade: How well it is.
        detail: What was found.
        advice: What would be better, and how; empty when it is good.
    """

    subject: str
    grade: Grade
    detail: str
    advice: str = ""


def good(subject: str, detail: str) -> Finding:
    """Nothing to do."""
    return Finding(subject, Grade.GOOD, detail)


def better(subject: str, detail: str, advice: str) -> Finding:
    """It works, and could work better."""
    return Finding(subject, Grade.BETTER, detail, advice)


def missing(subject: str, detail: str, advice: str) -> Finding:
    """It does not work without this."""
    return Finding(subject, Grade.MISSING, detail, advice)


def as_json_object(findings: list[Finding]) -> dict[str, Any]:
    """All findings as one JSON object; ``healthy`` is false when something needed is missing."""
    return {"healthy": healthy(findings), "findings": [asdict(finding) for finding in findings]}


def as_text(findings: list[Finding]) -> str:
    """All findings for people, advice below what it is about."""
    width = max(len(finding.subject) for finding in findings)
    marks = {Grade.GOOD: "ok", Grade.BETTER: "~ ", Grade.MISSING: "NO"}
    lines = []
    for finding in findings:
        lines.append(f"{marks[finding.grade]}  {finding.subject:<{width}}  {finding.detail}")
        if finding.advice:
            lines.append(f"    {'':<{width}}  → {finding.advice}")
    return "\n".join(lines)


def healthy(findings: list[Finding]) -> bool:
    """Whether nothing that is needed is missing."""
    return all(finding.grade is not Grade.MISSING for finding in findings)
