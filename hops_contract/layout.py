"""Where things lie below the platform's home (``HOPS_HOME``) when everything runs on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hops_contract.slugs import SLUG_RULE, is_slug, project_user

STANDARD_DATASETS = ("Jupyter", "Resources", "Logs", "Experiments", "Models")


@dataclass(frozen=True, slots=True)
class Home:
    """The platform's home.

    ==========================================  ======================================================================
    ``projects/<project>/<dataset>/``           files of the projects
    ``projects/.trash/<project>/``              0700; what was deleted in one, on the same disk and out of sandboxes
    ``projects/.uploads/<project>/``            0700; files on their way into a project
    ``shares/<project>/shares.json``            which datasets of others the project's sandboxes show
    ``shares/<project>/view/``                  the folder that stands there as ``Shared``, with a place for each
    ``environments/base``                       the base environment, made once
    ``environments/projects/<project>``         a project's environment
    ``archives/``                               class data sharing archives
    ``secrets/``                                0700; the platform's own keys and credentials, 0600 each
    ``audit-head``                              0600; how far the audit has come, signed
    ``homes/<project__user>/``                  0700; a project-user's own settings and histories
    ``run/servers/<project__user>/``            0700; a notebook server's folder
    ``run/servers/<project__user>.limited/``    0700; why a limit of its sandbox ended something
    ``run/sessions/<id>/``                      0700; a Spark session's folder
    ``run/session-happenings.jsonl``            0600; what became of sessions and is not in the audit yet
    ``run/session-records/<id>/``               0700; what a later session service needs to find a session again
    ``run/session-service.lock``                held by the session service: one for each home
    ``run/session-service/alive``               held by the session service while it runs, for sessions to see
    ``run/sockets/``                            0700; by which the proxy comes to the Hub and its services
    ``run/*.pid``, ``run/site.json``            what is running now and where it answers
    ``logs/<service>.log``                      logs of the platform's services
    ``control-plane.db``, ``hub.db``            embedded databases
    ==========================================  ======================================================================
    """

    root: Path

    @property
    def projects(self) -> Path:
        """Files of all projects."""
        return self.root / "projects"

    @property
    def secrets(self) -> Path:
        """The platform's own keys and credentials."""
        return self.root / "secrets"

    @property
    def own_tls(self) -> Path:
        """Certificate and key of the control plane, and the authorities that it believes."""
        return self.secrets / "tls"

    @property
    def logs(self) -> Path:
        """Logs of the platform's services."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """State of what is running now."""
        return self.root / "run"

    @property
    def archives(self) -> Path:
        """Class data sharing archives."""
        return self.root / "archives"

    @property
    def base_environment(self) -> Path:
        """The environment that projects' environments are copies of."""
        return self.root / "environments" / "base"

    def project(self, project: str) -> Path:
        """Files of one project."""
        return self.projects / _checked(project)

    def trash(self, project: str) -> Path:
        """What was deleted in a project: beside the projects, since moving there must be one step."""
        # No project's name begins with a dot, and no sandbox shows what is beside its own project.
        return self.projects / ".trash" / _checked(project)

    def uploads(self, project: str) -> Path:
        """Files on their way into a project."""
        return self.projects / ".uploads" / _checked(project)

    def shares(self, project: str) -> Path:
        """What the sandboxes of a project are told of datasets that others share with it."""
        return self.root / "shares" / _checked(project)

    def environment(self, project: str) -> Path:
        """A project's own environment."""
        return self.root / "environments" / "projects" / _checked(project)

    def own_home(self, project: str, user: str) -> Path:
        """``HOME`` of a project-user; kept while the project's files are shared."""
        return self.root / "homes" / project_user(project, user)

    def own_homes(self, project: str) -> list[Path]:
        """The homes of all who have worked in ``project``."""
        # What separates the names stands in none, so that the homes of no other project begin like this.
        return sorted((self.root / "homes").glob(f"{project_user(project, 'a')[:-1]}*"))

    def server(self, project: str, user: str) -> Path:
        """Folder of a notebook server."""
        return self.run / "servers" / project_user(project, user)

    def session(self, session_id: int) -> Path:
        """Folder of a Spark session."""
        return self.run / "sessions" / str(session_id)

    @property
    def session_happenings(self) -> Path:
        """What became of sessions, until the control plane has it."""
        return self.run / "session-happenings.jsonl"

    @property
    def session_records(self) -> Path:
        """What is written down of Spark sessions, beyond the reach of their own code."""
        return self.run / "session-records"

    @property
    def service_lock(self) -> Path:
        """The session service holds it: one for each home."""
        return self.run / "session-service.lock"

    @property
    def service_alive(self) -> Path:
        """The session service holds it while it runs; sessions look whether it does."""
        # In a folder of its own, which is all that a sandbox shows of it: the file is another one for each service.
        return self.run / "session-service" / "alive"

    def secret(self, name: str) -> Path:
        """One of the platform's own credentials."""
        return self.secrets / name

    def log(self, service: str) -> Path:
        """Log file of a service."""
        return self.logs / f"{_checked(service)}.log"


def numbered(folder: Path) -> dict[int, Path]:
    """What lies in a folder of sessions, by their numbers, in the order of these."""
    found = {int(path.name): path for path in folder.glob("[0-9]*") if path.name.isdecimal()}
    return dict(sorted(found.items()))


def _checked(name: str) -> str:
    if not is_slug(name):
        raise ValueError(f"{name!r} is not a name: {SLUG_RULE}.")
    return name
