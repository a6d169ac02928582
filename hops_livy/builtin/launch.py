"""Pure builders of what a driver is started with: Spark's settings, the environment, the Java command."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hops_contract.certificates import CERTIFICATES_FOLDER, CERTIFICATES_VARIABLE
from hops_livy.builtin.folder import SessionFolder
from hops_livy.engines.drivers import DriverRequest, Shape
from hops_livy.executor_settings import allocation_properties, gpu_properties
from hops_livy.java import Java, module_options
from hops_livy.masters.master import Master, Paths
from hops_livy.pages import page_path

PROGRAM = Path(__file__).parent.parent / "driver" / "hops_session" / "__main__.py"
_LOOPBACK = "127.0.0.1"
PAGE_PORT = 4040
"""Of Spark's pages, where a session has a network of its own: known before, as a way leads there."""
_PAGE_FILTER = "org.apache.spark.ui.JWSFilter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a driver runs: paths that follow from project, user and session.

    Attributes:
        folder: The session's own folder.
        project_folder: The project's datasets, or those of them that are on this machine.
        own_home: The project-user's own home, the same as on their notebook server. In one that members share, the
            settings of one would act in the sessions of the others, and credentials that a tool keeps be theirs too.
        python: The Python of the project's environment.
        spark: The Spark installation (the base environment's, so that one archive of classes serves all).
        java: The Java to use.
        java_home: What the driver sees as ``JAVA_HOME``.
        archive: Class data sharing archive, if there is one.
        scala_version: For which Scala this Spark was built.
        service_alive: What the session service holds while it runs.
        deserted_s: So many seconds after it was last held the driver ends by itself.
        master: Where executors run, when that is not this machine.
        project_address: Where the project's datasets lie, when that is not this machine.
        own_network: Whether it has a network of its own, in which all ports are free.
        secret: What the session's own processes prove to one another that they belong to it.
    """

    folder: SessionFolder
    project_folder: Path
    own_home: Path
    python: Path
    spark: Path
    java: Java
    java_home: Path
    archive: Path | None
    scala_version: str
    service_alive: Path
    deserted_s: float
    master: Master | None = None
    project_address: str | None = None
    own_network: bool = False
    secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    @property
    def datasets(self) -> str:
        """Where the project's datasets lie, for code: a folder or an address."""
        return self.project_address or str(self.project_folder)

    @property
    def paths(self) -> Paths:
        """What a master is told of it."""
        return Paths(project_folder=self.project_folder, environment=self.python.parent.parent, spark=self.spark)


def spark_properties(request: DriverRequest, place: Place, gpu_script: Path | None) -> dict[str, str]:
    """Spark's settings of a driver; what the owner asked for can't override what is set here."""
    shape = request.shape
    own = {
        "spark.app.name": request.name,
        "spark.submit.deployMode": "client",
        "spark.driver.host": _host(place),
        "spark.driver.bindAddress": _host(place),
        "spark.driver.memory": f"{_driver_heap_mib(shape, place.master)}m",
        "spark.local.dir": str(place.folder.temporary),
        "spark.ui.showConsoleProgress": "false",
        # Every process of this machine, and of a cluster's network, can reach the ports.
        "spark.authenticate": "true",
        "spark.network.crypto.enabled": "true",
    }
    # Of a batch nobody would know the port.
    port = PAGE_PORT if place.own_network else 0
    own |= page_properties(page_key(place.secret), shown=request.batch is None, port=port)
    if place.master is not None:
        # Executors elsewhere get the Scala interpreter's classes from Spark's own file server.
        own["spark.repl.class.outputDir"] = str(place.folder.classes)
        own |= place.master.properties(request, place.paths)
        own |= _certificate_properties(place.folder)
    else:
        own |= _own_machine_properties(shape, place)
        if shape.clustered:
            own |= _cluster_properties(request, place, gpu_script)
    defaults = {
        "spark.sql.warehouse.dir": f"{place.datasets}/Resources/spark-warehouse",
        # A data frame as the last line of a cell is shown as a table of its first rows.
        "spark.sql.repl.eagerEval.enabled": "true",
    }
    return {**defaults, **request.conf, **own}


def properties_text(properties: dict[str, str]) -> str:
    """The settings as a properties file of Java."""
    return "".join(f"{_escaped(key, key=True)}={_escaped(value)}\n" for key, value in sorted(properties.items()))


def java_command(place: Place, shape: Shape, *, project_user: str = "") -> list[str]:
    """The command that starts the driver's Java machine; on a cluster it says for whom."""
    temporary = place.folder.temporary
    # Behind the jars: an archive of classes is used as long as the path begins as it did when that was made.
    folders = () if place.master is None else place.master.class_path()
    # A standalone master shows this name, by which others learn who has what they wait for.
    user = [] if place.master is None else [f"-Duser.name={project_user}"]
    return [
        str(place.java.program),
        "-cp",
        ":".join([class_path(place.spark), *map(str, folders)]),
        f"-Xmx{_driver_heap_mib(shape, place.master)}m",
        *start_options(place.archive),
        *user,
        # A Java machine that ran out of memory does not recover, but may linger for long; the service tells the cause.
        "-XX:+ExitOnOutOfMemoryError",
        f"-Djava.io.tmpdir={temporary}",
        f"-XX:ErrorFile={temporary}/java-error.log",
        *module_options(place.java),
        "org.apache.spark.deploy.SparkSubmit",
        "--properties-file",
        str(place.folder.properties),
        "pyspark-shell",
    ]


def class_path(spark: Path) -> str:
    """The class path of every Java machine; no folder in it, or class data sharing would be off."""
    return f"{spark}/jars/*"


def start_options(archive: Path | None) -> list[str]:
    """Options that make a Java machine start faster and cost no speed later."""
    options = ["-XX:-UsePerfData", "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr"]
    if archive is not None:
        options.append(f"-XX:SharedArchiveFile={archive}")
    return options


def session_environment(
    request: DriverRequest, place: Place, *, control_plane_url: str, webhdfs_address: str | None
) -> dict[str, str]:
    """All variables that a session's process gets (docs/how-it-fits.md)."""
    owner = request.owner
    files = {} if webhdfs_address is None else {"HOPS_WEBHDFS_ADDRESS": webhdfs_address}
    return files | {
        "HOPS_PROJECT": str(owner.project),
        "HOPS_USER": owner.user,
        "HOPS_PROJECT_USER": owner.project_user,
        "HOPS_PROJECT_PATH": place.datasets,
        "HOPS_TOKEN_FILE": str(place.folder.token),
        CERTIFICATES_VARIABLE: str(place.folder.certificates),
        "HOPS_CONTROL_PLANE_URL": control_plane_url,
        "HOPS_APP_ID": request.application,
        "HOPS_SERVER_PREFIX": f"/user/{owner.user}/{owner.project}/",
        "HADOOP_USER_NAME": owner.project_user,
        "SPARK_HOME": str(place.folder.spark_home),
        "PYSPARK_PYTHON": str((place.master and place.master.python) or place.python),
        "JAVA_HOME": str(place.java_home),
        "PATH": f"{place.python.parent}:{place.java_home}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(place.own_home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(place.folder.temporary),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline" if request.batch is None else "agg",
        # GPUs belong to executors; a driver that sees them would take their memory.
        "CUDA_VISIBLE_DEVICES": "",
    }


def java_environment(place: Place) -> dict[str, str]:
    """What the Java machine gets on top of the session's environment."""
    own = {
        # Where Spark's pages listen, which on a cluster, too, only this machine reaches; all else has its own setting.
        "SPARK_LOCAL_IP": _LOOPBACK,
        "SPARK_LOCAL_HOSTNAME": _host(place),
        # Spark's shell scripts set it for the part of Spark that starts executors.
        "SPARK_SCALA_VERSION": place.scala_version,
    }
    return own if place.master is None else own | place.master.java_environment(place.paths)


def launch_description(place: Place, request: DriverRequest) -> dict[str, Any]:
    """What the driver's process is told (see :mod:`hops_livy.driver.hops_session`)."""
    batch = request.batch
    description = {
        "role": "kernel" if batch is None else "batch",
        "status_file": str(place.folder.status),
        "status_socket": str(place.folder.status_socket),
        "service_alive": str(place.service_alive),
        "deserted_s": place.deserted_s,
        "gateway_info": str(place.folder.gateway_info),
        "java_command": java_command(place, request.shape, project_user=request.owner.project_user),
        "java_environment": java_environment(place),
    }
    if batch is None:
        return description | {
            "connection_file": str(place.folder.connection),
            "ipython_folder": str(place.folder.ipython),
            "outputs": str(place.folder.outputs),
            "page_path": page_path(request.owner, request.session_id),
            "warm": request.warm,
        }
    return description | {
        "file": str(batch.file),
        "arguments": list(batch.arguments),
        "python_files": [str(path) for path in batch.python_files],
    }


def driver_command(place: Place) -> list[str]:
    """The command that starts the driver's process."""
    return [str(place.python), "-P", str(PROGRAM), str(place.folder.launch)]


def page_key(secret: str) -> str:
    """A key of 256 bits for the filter of the pages, which takes base64 as in URLs; it tells nothing of ``secret``."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"pages of {secret}".encode()).digest()).decode()


def page_properties(key: str, *, shown: bool = True, port: int = 0) -> dict[str, str]:
    """Spark's settings of its own pages.

    Args:
        key: Who asks must bring a token that it signed. Every process of this machine can reach the pages, which know
            no login. A cluster's master and workers have pages that nothing switches off; it closes these too.
        shown: Whether the driver has pages.
        port: Where; 0: on one that is free.
    """
    properties = {
        "spark.ui.enabled": "true" if shown else "false",
        "spark.ui.filters": _PAGE_FILTER,
        f"spark.{_PAGE_FILTER}.param.secretKey": key,
    }
    # A page is for looking: what ends jobs stands in the notebook and in Lab.
    return properties | {"spark.ui.port": str(port), "spark.ui.killEnabled": "false"} if shown else properties


def _master(shape: Shape) -> str:
    if not shape.clustered:
        return f"local[{shape.executor_cores}]"
    return f"local-cluster[{shape.most_executors},{shape.executor_cores},{shape.executor_memory_mib}]"


def _host(place: Place) -> str:
    return _LOOPBACK if place.master is None else place.master.driver_host


def _driver_heap_mib(shape: Shape, master: Master | None) -> int:
    if shape.clustered or master is not None:
        return shape.driver_memory_mib
    return shape.driver_memory_mib + shape.executor_memory_mib


def _own_machine_properties(shape: Shape, place: Place) -> dict[str, str]:
    return {
        "spark.master": _master(shape),
        # Made by the session's Scala interpreter, if there comes to be one; executors must know of it from their start.
        # As files, which executors of this machine reach: from Spark's own file server ("outputDir") every compilation
        # of a query asks for classes that don't exist, and now and then waits two minutes for the answer.
        "spark.repl.class.uri": place.folder.classes.as_uri(),
        "spark.authenticate.secret": place.secret,
    }


def java_options(options: Iterable[str]) -> str:
    """``options`` as one Spark setting, which Spark splits at spaces outside of double quotes."""
    return " ".join(
        '"' + option.replace("\\", r"\\").replace('"', r"\"") + '"' if re.search(r"[\s\"'\\]", option) else option
        for option in options
    )


def _cluster_properties(request: DriverRequest, place: Place, gpu_script: Path | None) -> dict[str, str]:
    shape = request.shape
    properties = {
        "spark.executor.cores": str(shape.executor_cores),
        "spark.executor.memory": f"{shape.executor_memory_mib}m",
        # With the same class path first, executors share the driver's archive of classes.
        "spark.executor.extraClassPath": class_path(place.spark),
        "spark.executor.extraJavaOptions": java_options(
            [*start_options(place.archive), f"-Djava.io.tmpdir={place.folder.temporary}"]
        ),
    }
    if shape.dynamic:
        properties |= allocation_properties(shape, request.conf)
    if shape.gpus_per_executor and gpu_script is not None:
        properties |= gpu_properties(shape, own_python=True) | {
            "spark.worker.resource.gpu.amount": str(shape.gpus_per_executor),
            "spark.worker.resource.gpu.discoveryScript": str(gpu_script),
        }
    return properties


def _certificate_properties(folder: SessionFolder) -> dict[str, str]:
    """Executors elsewhere have their owner's certificate in their working folder; it travels encrypted, as all does."""
    if not folder.certificates_archive.exists():
        return {}
    return {
        "spark.archives": f"{folder.certificates_archive}#{CERTIFICATES_FOLDER}",
        f"spark.executorEnv.{CERTIFICATES_VARIABLE}": CERTIFICATES_FOLDER,
    }


def _escaped(text: str, *, key: bool = False) -> str:
    special = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    if key:
        special |= {"=": "\\=", ":": "\\:", " ": "\\ ", "#": "\\#", "!": "\\!"}
    escaped = "".join(
        special.get(letter, letter if " " <= letter <= "~" else f"\\u{ord(letter):04x}") for letter in text
    )
    return f"\\{escaped}" if escaped.startswith(" ") and not key else escaped
