"""What a Kubernetes cluster says of a server's pod, in words for the person who waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from kubernetes_asyncio.client.rest import ApiException

from hops_spawner.refusals import StartRefusedError, failed_start

EVENT_TAIL = 20
_LONGEST_SAID = 500

# By the reason of an event. What else a normal event says are names of nodes and images, which are no user's concern; a
# warning's message holds the numbers, and follows.
_STEPS: Mapping[str, str] = {
    "BackOff": "The cluster waits before it tries again",
    "Created": "The cluster made the server's container",
    "Evicted": "The cluster took the server's place away",
    "Failed": "The cluster could not start the server's container",
    "FailedAttachVolume": "The project's files can't be attached yet",
    "FailedMount": "The server's files can't be mounted yet",
    "FailedScheduling": "No node of the cluster can take the server yet",
    "Pulled": "The server's image is there",
    "Pulling": "The cluster fetches the server's image",
    "Scheduled": "The cluster found a place for the server",
    "Started": "The cluster started the server's container",
    "TriggeredScaleUp": "The cluster adds a node for the server",
}


def event_in_words(event: Mapping[str, Any]) -> str:
    """One event of a pod as a step of the start."""
    reason, said = str(event.get("reason") or ""), str(event.get("message") or "").strip()
    step = _STEPS.get(reason, f"The cluster says {reason}" if reason else "The cluster says")
    if event.get("type") == "Warning" or reason not in _STEPS:
        return f"{step}: {said[:_LONGEST_SAID]}" if said else step
    return step


def event_tail(events: Iterable[Mapping[str, Any]]) -> str:
    """The last events of a pod, a line for each."""
    return "\n".join([event_in_words(event) for event in events][-EVENT_TAIL:])


def late_pod(seconds: int, events: Iterable[Mapping[str, Any]]) -> StartRefusedError:
    """A pod that did not run in time."""
    known = list(events)
    warnings = [event_in_words(event) for event in known if event.get("type") == "Warning"]
    last = f" The last that the cluster said: {warnings[-1].rstrip('.')}." if warnings else ""
    return failed_start(
        f"The cluster did not start the server's pod within {seconds} seconds.{last}",
        "Ask for less, or try again later; where pods need longer, an administrator can raise HOPS_POD_TIMEOUT_S.",
        log_tail=event_tail(known),
        status=HTTPStatus.GATEWAY_TIMEOUT,
    )


def refused_by_cluster(error: ApiException, *, said: str) -> StartRefusedError:
    """What the cluster's API would not do, with the numbers that it gives; ``said`` is what it told before."""
    reason = _reason(error)
    return failed_start(
        f"The cluster refused the server ({error.status}): {reason.rstrip('.')}.",
        _remedy(int(error.status or 0), reason),
        log_tail=said,
        status=HTTPStatus.BAD_GATEWAY,
    )


def silent_cluster() -> StartRefusedError:
    """The cluster's API was not reached."""
    return failed_start(
        "The cluster's API does not answer.",
        "Try again in a minute; if it stays so, tell an administrator.",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _reason(error: ApiException) -> str:
    try:
        body = json.loads(error.body or "")
    except ValueError:
        body = None
    message = body.get("message") if isinstance(body, dict) else None
    return str(message or error.reason or "it gave no reason")[:_LONGEST_SAID]


def _remedy(status: int, reason: str) -> str:
    if "exceeded quota" in reason or "maximum" in reason:
        return "Ask for less, stop another server, or ask an administrator for a larger quota of the namespace."
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return "Tell an administrator: the Hub lacks this right in the namespace of notebook servers."
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "The cluster may be busy: try again in a minute."
    return "Tell an administrator: the site's settings of Kubernetes do not fit this cluster."
