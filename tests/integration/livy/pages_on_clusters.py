"""What holds of Spark's own pages of a session on a cluster, whichever it is."""

import re

import httpx
import psutil

PATH = "/user/ada/weather/hops/session/ui"


def check_pages(service, client, number, *, driver_host):
    """The owner of session ``number`` sees them, as ``service`` gives them, and nobody else does.

    Args:
        service: The session service.
        client: The owner's.
        number: The session, which has run a job.
        driver_host: The address by which executors reach its driver.
    """
    jobs = client.get(f"/sessions/{number}/ui/jobs/", headers={"X-Forwarded-Context": PATH})
    assert (jobs.status_code, "Completed Jobs" in jobs.text) == (200, True), jobs.text
    links = [link for link in re.findall(r'(?:href|src)="([^"]+)"', jobs.text) if link.startswith("/")]
    assert len(links) > 10
    assert [link for link in links if not link.startswith(f"{PATH}/")] == []
    first = client.get(f"/sessions/{number}/ui/")
    assert (first.status_code, first.headers["location"]) == (302, f"/services/livy/sessions/{number}/ui/jobs/")
    application = client.get(f"/sessions/{number}/ui/api/v1/applications").json()[0]["id"]
    assert client.get(f"/sessions/{number}/ui/api/v1/applications/{application}/executors").status_code == 200
    assert client.get(f"/sessions/{number}").json()["appInfo"]["sparkUiUrl"].endswith(f"/hops/session/{number}/ui/")
    for token in (service.plane.token("bob"), service.plane.token("eve", "sales")):
        with service.client(token) as other:
            assert other.get(f"/sessions/{number}/ui/jobs/").status_code == 404
    _check_port(service, driver_host)


def _check_port(service, driver_host):
    listening = {
        connection.laddr[:2]
        for process in service.processes()
        if process.name() == "java"
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    pages = {port: answer for _, port in listening if (answer := _asked("127.0.0.1", port)) is not None}
    assert set(pages.values()) == {403}, "whoever brings no key"
    assert [port for port in pages if _asked(driver_host, port) is not None] == [], "nobody else of the network"


def _asked(host, port):
    """The status with which a stranger is answered; ``None`` where no page is."""
    try:
        return httpx.get(f"http://{host}:{port}/jobs/", timeout=20, trust_env=False).status_code
    except httpx.HTTPError:
        return None
