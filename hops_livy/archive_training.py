"""Makes the class data sharing archive: a driver does the usual work, and its Java machine writes what it loaded."""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from pathlib import Path

from hops_contract.layout import Home
from hops_livy.archive import archive_path
from hops_livy.builtin.launch import class_path, page_key, page_properties, properties_text
from hops_livy.java import Java, find_java, module_options

_TRAINING_S = 600

# What people do first: count, rows of their own, CSV, SQL, JSON for sparkmagic, a Python function on executors.
_USUAL_WORK = """
from pathlib import Path
from pyspark.sql import SparkSession, functions as F
spark = SparkSession.builder.getOrCreate()
spark.range(10**6).count()
table = Path({folder!r}) / "table.csv"
table.write_text("city,day,rain\\nOslo,2024-01-01,1.5\\nRome,2024-01-02,0\\n")
frame = spark.read.csv(str(table), header=True, inferSchema=True)
frame.createOrReplaceTempView("rain")
frame.groupBy("city").agg(F.avg("rain")).orderBy("city").toPandas()
spark.sql("select city, max(rain) m from rain group by city").toJSON().take(10)
spark.sql("select * from rain a join rain b on a.city = b.city").show()
spark.createDataFrame([(1, "a"), (2, "b")], "n int, s string").filter("n > 1").toPandas()
spark.sparkContext.parallelize(range(4), 2).map(lambda n: n * n).collect()
frame.write.mode("overwrite").parquet(str(table) + ".parquet")
spark.read.parquet(str(table) + ".parquet").count()
spark.stop()
"""


class ArchiveError(Exception):
    """The archive could not be made; drivers start without, only slower."""


def make_archive(home: Home) -> Path:
    """Makes the archive unless it is there already; returns its path. Safe to call at the same time.

    Raises:
        ArchiveError: The training run failed, or there is no Spark.
        NoJavaError: There is no Java.
    """
    environment = home.base_environment.resolve()  # drivers name the jars by this path
    spark = next(iter(sorted(environment.glob("lib/python3*/site-packages/pyspark"))), None)
    if spark is None:
        raise ArchiveError("The base environment holds no Spark; prepare it first.")
    java = find_java(environment)
    path = archive_path(home, java, spark)
    home.archives.mkdir(parents=True, exist_ok=True)
    with (home.archives / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_file():
            base = _base_archive(home, java)
            _train(home, java, spark, path, base=base)
            for old in {*home.archives.glob("spark-*.jsa"), *home.archives.glob("java-*.jsa")} - {path, base}:
                old.unlink(missing_ok=True)
    return path


def _train(home: Home, java: Java, spark: Path, path: Path, *, base: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="hops-archive-") as name:
        folder = Path(name)
        draft = path.with_suffix(".new")
        work = folder / "work.py"
        work.write_text(_USUAL_WORK.format(folder=name), encoding="utf-8")
        properties = folder / "spark.properties"
        training = {
            "spark.master": "local[2]",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": name,
            "spark.sql.warehouse.dir": f"{name}/warehouse",
            # Each session has pages of its own, whose classes are among the first that its driver loads.
            **page_properties(page_key(name)),
        }
        properties.write_text(properties_text(training), encoding="utf-8")
        info = folder / "gateway"
        command = [
            str(java.program), "-cp", class_path(spark), "-Xmx2g", "-XX:-UsePerfData",
            *([] if base is None else [f"-XX:SharedArchiveFile={base}"]), f"-XX:ArchiveClassesAtExit={draft}",
            f"-Djava.io.tmpdir={name}", "-Xlog:disable", "-Xlog:all=error:stderr", *module_options(java),
            "org.apache.spark.deploy.SparkSubmit", "--properties-file", str(properties), "pyspark-shell",
        ]  # fmt: skip
        environment = {
            "PATH": os.environ.get("PATH", os.defpath), "HOME": name, "TMPDIR": name, "SPARK_HOME": str(spark),
            "JAVA_HOME": str(java.home), "PYSPARK_PYTHON": str(home.base_environment / "bin" / "python"),
            "SPARK_LOCAL_IP": "127.0.0.1", "LANG": "C.UTF-8", "_PYSPARK_DRIVER_CONN_INFO_PATH": str(info),
            "HOPS_TRAINING_COMMAND": "\n".join(command),
        }  # fmt: skip
        starter = (
            "import os, subprocess, sys, time, struct, runpy\n"
            "jvm = subprocess.Popen(os.environ.pop('HOPS_TRAINING_COMMAND').split('\\n'), stdin=subprocess.PIPE)\n"
            "info = os.environ['_PYSPARK_DRIVER_CONN_INFO_PATH']\n"
            "while not os.path.exists(info):\n"
            "    assert jvm.poll() is None\n"
            "    time.sleep(0.02)\n"
            "content = open(info, 'rb').read()\n"
            "port, length = struct.unpack_from('!ii', content)\n"
            "os.environ['PYSPARK_GATEWAY_PORT'] = str(port)\n"
            "os.environ['PYSPARK_GATEWAY_SECRET'] = content[8:8 + length].decode()\n"
            "runpy.run_path(sys.argv[1], run_name='__main__')\n"
            "jvm.stdin.close()\n"
            "sys.exit(jvm.wait())\n"
        )
        python = str(home.base_environment / "bin" / "python")
        done = subprocess.run(
            [python, "-P", "-c", starter, str(work)],
            env=environment, cwd=name, capture_output=True, text=True, timeout=_TRAINING_S, check=False,
        )  # fmt: skip
        if not draft.is_file():
            raise ArchiveError(f"The training run wrote no archive (status {done.returncode}):\n{done.stderr[-2000:]}")
        draft.replace(path)


def _base_archive(home: Home, java: Java) -> Path | None:
    """The archive of Java's own classes, on which ours builds: small runtimes come without, so one is made beside ours.

    ``None`` where Java has its own. Drivers need not be told of it: ours names the one that it builds on.

    Raises:
        ArchiveError: It can't be made.
    """
    if (java.home / "lib" / "server" / "classes.jsa").is_file():
        return None
    path = home.archives / f"java-{java.version}.jsa"
    if not path.is_file():
        draft = path.with_suffix(".new")
        command = [str(java.program), f"-XX:SharedArchiveFile={draft}", "-Xshare:dump"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TRAINING_S, check=False)
        if not draft.is_file():
            told = (done.stderr or done.stdout)[-2000:]
            raise ArchiveError(f"Java {java.version} wrote no archive of its own classes:\n{told}")
        draft.replace(path)
    return path
