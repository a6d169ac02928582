"""What the control plane grants to a notebook server that may start, and what the server's folder holds."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hops_contract.certificates import CertificateFiles
from hops_contract.descriptions import given_out
from hops_contract.network import Network
from hops_contract.options import ServerOptions
from hops_contract.principal import ProjectRole

CONFIG_FILE = "server.json"
TOKEN_FILE = "token.jwt"  # noqa: S105
LISTENS_FILE = "listens"
"""Written by the server once it listens: its port. Nobody else can write into its folder."""
SERVER_FOLDER_VARIABLE = "HOPS_SERVER_FOLDER"


def why_limited_file(folder: Path) -> Path:
    """Where it is written why a limit of a server's sandbox ended something.

    It lies in a folder of its own beside the server's, which code of the sandbox sees and can't change.

    Args:
        folder: The server's folder.
    """
    return folder.with_name(f"{folder.name}.limited") / "why"


class ServerConfig(BaseModel):
    """``server.json``: what a notebook server and its kernels know of their project. Nothing in it is secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str = Field(examples=["weather"])
    project_title: str = Field(examples=["Weather of the coast"])
    user: str = Field(examples=["ada"])
    role: ProjectRole
    options: ServerOptions
    project_folder: str = Field(description="Where the project's datasets lie for this server.")
    start_folder: str = Field(default="Jupyter", description="Dataset in which notebooks start.")
    environment: str = Field(description="Prefix of the project environment; its Python is bin/python below it.")
    network: Network = Field(
        default=Network.PLATFORM, description="What its code reaches of the network, where it runs in a sandbox."
    )
    full: bool = Field(
        default=False, description="Whether the project is over its quota of storage: its code only reads its datasets."
    )
    on_machine: tuple[str, ...] | None = Field(
        default=None,
        description="Datasets on the machine's disk, where the others lie on the site's storage; null: all.",
        examples=[["Jupyter"]],
    )
    control_plane_url: str = Field(description="Address of the control plane, for processes; ends with /.")
    spark: bool = Field(default=True, description="Whether Spark sessions are switched on in the project.")
    livy_url: str = Field(description="Address of the session service, for processes; no / at its end.")


class ServerGrant(BaseModel):
    """Answer to a spawner that asked whether a server may start: its configuration and its first token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    config: ServerConfig
    token: SecretStr = Field(description="A project-user's token; goes into token.jwt.", json_schema_extra=given_out)
    certificate: CertificateFiles = Field(description="Their certificate; goes into certificates/.")
    display_name: str = Field(description="Shown for the server in the Hub.")
