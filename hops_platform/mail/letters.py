"""What the platform's letters say. Pure: each is built from what it names, and from nothing else.

A letter holds no secret but its one link. What people chose themselves (names of projects, titles, reasons) is told on
lines of its own, so that nothing of it can be taken for the platform's words; titles of people are left out.
"""

from __future__ import annotations

import textwrap
from datetime import timedelta

from hops_platform.engines.mailer import Letter

SITE = "HopsLab"
_WIDTH = 72


def in_words(lifetime: timedelta) -> str:
    """How long something is good, for people."""
    hours = round(lifetime.total_seconds() / 3600)
    if hours % 24 == 0:
        days = hours // 24
        return f"{days} day" if days == 1 else f"{days} days"
    return f"{hours} hour" if hours == 1 else f"{hours} hours"


def password_reset(*, to: str, name: str, user: str, link: str, lifetime: timedelta) -> Letter:
    """For whoever forgot the password."""
    return _letter(
        to,
        name,
        f"{SITE}: choose a new password",
        f"Somebody asked for a new password for the user {user} of {SITE}.",
        "If it was you, open this link and choose one:",
        link,
        f"It is good once, for {in_words(lifetime)}. If it was not you, do nothing: your password stays as it is.",
    )


def password_was_changed(*, to: str, name: str, user: str) -> Letter:
    """For whoever has another password from now on."""
    return _letter(
        to,
        name,
        f"{SITE}: your password was changed",
        f"The password of the user {user} was changed. All log-ins and tokens of before have ended.",
        "If it was not you, tell an administrator of your site at once.",
    )


def address_to_confirm(*, to: str, name: str, user: str, link: str, lifetime: timedelta) -> Letter:
    """For whoever gave this address as theirs."""
    return _letter(
        to,
        name,
        f"{SITE}: confirm your address",
        f"The user {user} of {SITE} gave this address. If that is you, open this link:",
        link,
        f"It is good once, for {in_words(lifetime)}. If it is not you, do nothing.",
    )


def address_was_changed(*, to: str, name: str, user: str) -> Letter:
    """For the address that was somebody's until now."""
    return _letter(
        to,
        name,
        f"{SITE}: your address was changed",
        f"From now on mail for the user {user} goes to another address, or to none.",
        "If it was not you, tell an administrator of your site at once.",
    )


def invitation(*, to: str, name: str, inviter: str, project: str, link: str, lifetime: timedelta) -> Letter:
    """For whoever is invited into a project."""
    return _letter(
        to,
        name,
        f"{SITE}: you are invited into the project {project}",
        f"The user {inviter} of {SITE} invites you into the project {project}. Open this link to accept:",
        link,
        f"It is good for {in_words(lifetime)}. If you don't know who that is, do nothing.",
    )


def registration_to_finish(*, to: str, name: str, link: str, lifetime: timedelta) -> Letter:
    """For whoever wants an account."""
    return _letter(
        to,
        name,
        f"{SITE}: go on with your registration",
        f"Somebody asked for an account at {SITE} with this address. If it was you, open this link and go on:",
        link,
        f"It is good once, for {in_words(lifetime)}. If it was not you, do nothing.",
    )


def registered_already(*, to: str, name: str, user: str) -> Letter:
    """For whoever wants an account and has one."""
    return _letter(
        to,
        name,
        f"{SITE}: you have an account",
        f"Somebody asked for an account at {SITE} with this address.",
        f"You have one: {user}.",
        "If you forgot its password, ask for a new one on the log-in page. If it was not you, do nothing.",
    )


def registration_approved(*, to: str, name: str, user: str, site: str) -> Letter:
    """For whoever has an account from now on."""
    return _letter(
        to,
        name,
        f"{SITE}: your account is there",
        f"An administrator approved your registration. You can log in as {user}:",
        site,
    )


def registration_declined(*, to: str, name: str, reason: str) -> Letter:
    """For whoever gets no account."""
    return _letter(
        to,
        name,
        f"{SITE}: your registration was declined",
        "An administrator declined your registration, and wrote:",
        textwrap.indent(reason.strip(), "> ") if reason.strip() else "> (no reason)",
    )


def _letter(to: str, name: str, subject: str, *paragraphs: str) -> Letter:
    # A link is on a line of its own and stays whole.
    wrapped = [text if "://" in text or text.startswith(">") else textwrap.fill(text, _WIDTH) for text in paragraphs]
    return Letter(to=to, name=name, subject=subject, text="\n\n".join(wrapped) + "\n")
