"""Which Spark settings a session may have, and what resources a request comes to.

Laws:

1. What is not allowed is refused by name, with the reason; nothing is dropped in silence.
2. A setting that names other principals, other masters, class paths, agents, Java options, ports, folders or files
   outside the project is never allowed.
3. Resources are counted before anything is started, so no setting can ask for more than was counted.
"""

from __future__ import annotations

import re

from hops_contract.options import OnNoRoom
from hops_contract.problems import Violation
from hops_livy.engines.drivers import Shape
from hops_livy.errors import BadRequestError
from hops_livy.wire import Resources

_LONGEST_KEY, _LONGEST_VALUE, _LONGEST_NUMBER = 200, 10_000, 50
_LEAST_MIB, _MOST_MIB = 450, 4 * 1024 * 1024
_MIB = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024 * 1024}

COUNTED = frozenset(
    {
        "spark.driver.memory",
        "spark.driver.cores",
        "spark.executor.memory",
        "spark.executor.cores",
        "spark.executor.instances",
        "spark.dynamicAllocation.enabled",
        "spark.dynamicAllocation.minExecutors",
        "spark.dynamicAllocation.maxExecutors",
        "spark.executor.resource.gpu.amount",
        "spark.hops.gpu.label",
        "spark.hops.queue",
    }
)
"""Read into the shape, not passed on as they are."""

_REFUSED = (
    (r"spark\.master|spark\.submit\..*", "the platform chooses where a session runs"),
    (r".*extraJavaOptions|.*defaultJavaOptions|.*javaOptions", "Java options could load code outside the project"),
    (r".*extraClassPath|.*extraLibraryPath|.*userClassPathFirst", "class paths could load code outside the project"),
    (
        r".*proxyUser|spark\.kerberos\..*|spark\.yarn\..*|.*(principal|keytab)",
        "a session acts as its owner only",
    ),
    (r"spark\.(jars|files|archives|pyFiles)(\..*)?|.*\.pyFiles", "files outside the project could be read"),
    (
        r"spark\.plugins|spark\.extraListeners|spark\.sql\.extensions|.*\.class|.*(Listener|Provider)s?",
        "classes of one's own could change what the session service sees of the session",
    ),
    (
        r"spark\.sql\.(extensions\.|warehouse|hive|catalog(?!Implementation$)|artifact|streaming\.ui|ui|queryExecutionListeners).*",
        "catalogs, the warehouse, artifacts and pages of SQL are the platform's",
    ),
    (r"spark\.(ui|history|eventLog|metrics)\..*", "pages and files of Spark's own would be seen by others"),
    (
        r"spark\.(authenticate|ssl|network\.crypto|acls|admin|modify|view)(\..*)?",
        "the platform guards the session",
    ),
    (
        r"spark\.(driver|blockManager|executor|shuffle\.service)\.(host|port|bindAddress)|.*\.port",
        "ports and addresses are the platform's",
    ),
    (
        r"spark\.(local\.dir|worker\..*|pyspark\.(driver\.)?python|executorEnv\..*|home)|spark\.python\..*module.*|spark\.python\.use\.daemon",
        "folders, programs and variables are the platform's",
    ),
    (
        r".*\.(file|path|dir|dump)|.*(Location|Dir|Path)",
        "files and folders outside the project could be read or written",
    ),
    (
        r"spark\.memory\.offHeap\..*|spark\.(driver|executor)\.(min)?memoryOverhead(Factor)?|.*\.pyspark\.memory",
        "memory is counted by spark.driver.memory and spark.executor.memory alone",
    ),
    (
        r"spark\.scheduler\.minRegisteredResourcesRatio",
        "a session is ready when its driver is, and statements wait for executors by themselves",
    ),
    (r"spark\.cores\.max", "the cores follow from spark.executor.instances and spark.executor.cores"),
    (
        r"spark\.dynamicAllocation\.shuffleTracking\.enabled",
        "it is always on where executors come and go, since no node keeps the data of those that have gone",
    ),
    (
        r"spark\.task\.resource\..*|spark\.(driver|executor)\.resource\..*",
        "only spark.executor.resource.gpu.amount chooses GPUs",
    ),
)

ALLOWED = (
    "spark.app.name", "spark.broadcast.*", "spark.checkpoint.compress", "spark.cleaner.*", "spark.default.*",
    "spark.driver.maxResultSize", "spark.dynamicAllocation.*", "spark.excludeOnFailure.*",
    "spark.executor.heartbeatInterval", "spark.io.*", "spark.kryo.*", "spark.kryoserializer.*", "spark.locality.*",
    "spark.log.level", "spark.memory.*", "spark.ml.*", "spark.mllib.*", "spark.network.*", "spark.python.*",
    "spark.rdd.*", "spark.reducer.*", "spark.rpc.*", "spark.scheduler.*", "spark.serializer", "spark.serializer.*",
    "spark.shuffle.*", "spark.speculation", "spark.speculation.*", "spark.sql.*", "spark.stage.*", "spark.storage.*",
    "spark.task.*",
)  # fmt: skip
"""What a session may have if no reason speaks against it; docs/spark-sessions.md lists the same."""

_ALLOWED = re.compile("|".join(re.escape(name).replace(r"\*", ".+") for name in ALLOWED))


def memory_mib(text: str) -> int:
    """Mebibytes of a size as Spark writes it (``512m``, ``2g``; a bare number is MiB, as Spark has it)."""
    # Short, and without spaces at both ends: a pattern with two runs of spaces takes hours for a long row of them.
    short = text.strip().lower() if len(text) <= _LONGEST_NUMBER else ""
    match = re.fullmatch(r"(\d+)\s*([kmgt])?b?", short)
    if match is None:
        raise ValueError(f"{text[:_LONGEST_NUMBER]!r} is not an amount of memory, for instance 512m or 2g.")
    return int(int(match[1]) * _MIB[match[2] or "m"])


def checked_conf(conf: dict[str, str]) -> dict[str, str]:
    """The settings to pass on to Spark: those of ``conf`` that are not counted into the shape.

    Raises:
        BadRequestError: Some are refused; all of them are named.
    """
    violations = []
    for key, value in sorted(conf.items()):
        if key in COUNTED:
            continue
        if len(key) > _LONGEST_KEY or len(value) > _LONGEST_VALUE:
            violations.append(Violation(field=f"conf.{key[:_LONGEST_KEY]}", message="This setting is too long."))
        elif (reason := _why_refused(key)) is not None:
            violations.append(Violation(field=f"conf.{key}", message=f"{key} can't be set: {reason}."))
    if violations:
        raise BadRequestError(" ".join(violation.message for violation in violations), violations=tuple(violations))
    return {key: value for key, value in conf.items() if key not in COUNTED}


def shape_of(request: Resources, conf: dict[str, str]) -> Shape:
    """The resources that a request comes to; Livy's own fields go before settings.

    Raises:
        BadRequestError: A number is none, or out of bounds.
    """
    numbers = _Numbers(conf)
    dynamic = conf.get("spark.dynamicAllocation.enabled", "false").strip().lower() == "true"
    executors = request.num_executors or numbers.count("spark.executor.instances", 1, most=1000)
    least = numbers.count("spark.dynamicAllocation.minExecutors", 0, least=0, most=1000)
    most = numbers.count("spark.dynamicAllocation.maxExecutors", max(executors, least, 1), most=1000)
    shape = Shape(
        driver_memory_mib=numbers.memory(request.driver_memory, "spark.driver.memory"),
        driver_cores=request.driver_cores or numbers.count("spark.driver.cores", 1, most=256),
        executors=1 if dynamic else executors,
        min_executors=least if dynamic else None,
        max_executors=most if dynamic else None,
        executor_cores=request.executor_cores or numbers.count("spark.executor.cores", 1, most=256),
        executor_memory_mib=numbers.memory(request.executor_memory, "spark.executor.memory"),
        gpus_per_executor=numbers.count("spark.executor.resource.gpu.amount", 0, least=0, most=64),
        gpu_label=conf.get("spark.hops.gpu.label") or None,
    )
    if dynamic and least > most:
        numbers.refuse(
            "spark.dynamicAllocation.minExecutors", f"at least {least} executors is more than at most {most}"
        )
    initial = "spark.dynamicAllocation.initialExecutors"
    if dynamic and initial in conf:
        # Spark itself would begin with more than were counted.
        numbers.count(initial, least, least=least, most=max(least, most))
    if shape.gpus_per_executor and "spark.task.cpus" in conf:
        numbers.refuse("spark.task.cpus", "where there are GPUs a task has all GPUs and all cores of its executor")
    if shape.gpu_label is not None and not shape.gpus_per_executor:
        numbers.refuse("spark.hops.gpu.label", "a label without GPUs asks for nothing")
    numbers.raise_if_refused()
    return shape


def waits_for_room(request: Resources) -> bool:
    """Whether a request waits in the queue where there is no room now: by its own field, by its settings, else yes.

    Raises:
        BadRequestError: The setting says neither.
    """
    if request.on_no_room is not None:
        return request.on_no_room is OnNoRoom.WAIT
    said = str(request.conf.get("spark.hops.queue", OnNoRoom.WAIT)).strip().lower()
    if said not in set(OnNoRoom):
        message = f"spark.hops.queue: {said[:50]!r} is neither 'wait' nor 'fail'."
        raise BadRequestError(message, violations=(Violation(field="conf.spark.hops.queue", message=message),))
    return said == OnNoRoom.WAIT


class _Numbers:
    """Reads numbers from settings and collects what is wrong with them."""

    def __init__(self, conf: dict[str, str]) -> None:
        self._conf = conf
        self._violations: list[Violation] = []

    def refuse(self, key: str, reason: str) -> None:
        self._violations.append(Violation(field=f"conf.{key}", message=f"{key}: {reason}."))

    def raise_if_refused(self) -> None:
        if self._violations:
            sentence = " ".join(violation.message for violation in self._violations)
            raise BadRequestError(sentence, violations=tuple(self._violations))

    def count(self, key: str, default: int, *, least: int = 1, most: int) -> int:
        text = self._conf.get(key, "").strip()
        if not text:
            return default
        if not text.isdecimal() or len(text) > len(str(most)) or not least <= int(text) <= most:
            self.refuse(key, f"{text[:50]!r} is not a whole number from {least} to {most}")
            return default
        return int(text)

    def memory(self, field: str | None, key: str) -> int:
        text = field or self._conf.get(key, "")
        if not text:
            return 1024
        try:
            mib = memory_mib(text)
        except ValueError as error:
            self.refuse(key, str(error).rstrip("."))
            return 1024
        if not _LEAST_MIB <= mib <= _MOST_MIB:
            self.refuse(key, f"{mib} MiB is out of bounds; Spark needs {_LEAST_MIB} MiB at least")
        return mib


def _why_refused(key: str) -> str | None:
    for pattern, reason in _REFUSED:
        if re.fullmatch(pattern, key, re.IGNORECASE):
            return reason
    return None if _ALLOWED.fullmatch(key) else "it is not in the list of settings that a session may have"
