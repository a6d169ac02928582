"""The PySpark and Spark kernels of sparkmagic 0.23, unmodified, against this service: every magic that they have."""

from __future__ import annotations

import base64
import json
import re
import time
from contextlib import contextmanager

import pytest

from tests.integration.kernels.conftest import COLOURS, kernel_running

from .service_process import BASE, wait_busy

pytestmark = pytest.mark.spark

PNG = b"\x89PNG\r\n\x1a\n"
WIDGET = "application/vnd.jupyter.widget-view+json"
PLOT = "import matplotlib.pyplot as plt\nplt.clf()\nplt.plot([3, 1, 2])\n"
SMALL = {"driverMemory": "512m", "executorMemory": "512m"}
KERNELS = {"pyspark": "pysparkkernel", "spark": "sparkkernel"}


class Cells:
    """Runs cells in a kernel of sparkmagic's, each of which must succeed: Spark's errors are text there."""

    def __init__(self, kernel, kind):
        self.kernel, self.kind = kernel, kind

    def __call__(self, code):
        cell = self.kernel.run(code, timeout=200)
        assert cell.reply["status"] == "ok", cell.messages
        return cell

    def local(self, expression):
        """The value of an expression in the kernel's own Python."""
        return json.loads(self(f"%%local\nimport json\nprint(json.dumps({expression}))").stdout)

    @property
    def session(self):
        """Number of the kernel's own session, which has a tick in the table."""
        rows = re.findall(r"<tr><td>(\d+)</td>(.*?)</tr>", html(self("%%info")))
        (number,) = [int(number) for number, rest in rows if "\u2714" in rest]
        return number


@pytest.fixture(scope="module")
def start(service, tmp_path_factory):
    """Starts one of sparkmagic's kernels, as a kernel spec of its own would."""

    @contextmanager
    def started(kind):
        home = tmp_path_factory.mktemp(f"home-{kind}")
        access = {"username": "", "password": "", "auth": "None", "url": service.url}
        settings = {
            "kernel_python_credentials": access,
            "kernel_scala_credentials": access,
            "custom_headers": {"Authorization": f"Bearer {service.plane.token()}"},
            "session_configs": SMALL,
            "livy_session_startup_timeout_seconds": 180,
            # Before sparkmagic lets go of a session it waits for the next beat, half a minute if nothing is said.
            "heartbeat_refresh_seconds": 1,
        }
        (home / "config.json").write_text(json.dumps(settings))
        variables = {"SPARKMAGIC_CONF_DIR": str(home), "PYTHONPATH": ""}
        module = f"sparkmagic.kernels.{KERNELS[kind]}.{KERNELS[kind]}"
        with kernel_running(BASE / "bin" / "python", home, home, module=module, variables=variables) as kernel:
            yield Cells(kernel, kind)

    return started


@pytest.fixture(scope="module")
def pyspark(start):
    with start("pyspark") as cells:
        yield cells


@pytest.fixture(scope="module")
def scala(start):
    with start("spark") as cells:
        yield cells


@pytest.fixture(params=["pyspark", "scala"])
def either(request):
    """Both kernels, one after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def without_session(start):
    """A PySpark kernel of its own in which nothing has asked for Spark."""
    with start("pyspark") as cells:
        yield cells


@pytest.fixture
def sessions(service):
    """Numbers of ada's sessions, or another's."""

    def listed(user="ada"):
        with service.client(service.plane.token(user)) as client:
            return sorted(one["id"] for one in client.get("/sessions").json()["sessions"])

    return listed


def shown(cell, mime_type):
    """What it displays of one type, the bars of sparkmagic's progress aside."""
    displays = cell.of("display_data") + cell.of("execute_result")
    return [content["data"][mime_type] for content in displays if mime_type in content["data"]]


def html(cell):
    return "".join(shown(cell, "text/html"))


def test_magics_that_need_no_session_start_none(without_session, sessions):
    before = sessions()
    assert "%%send_to_spark -i variable" in html(without_session("%%help"))
    assert "No active sessions." in html(without_session("%%info")) or before
    assert without_session("%%logs").stdout == "No logs yet."
    assert without_session("%%local\nprint(6 * 7)").stdout == "42\n"
    assert "Include the -f parameter" in without_session("%%cleanup").stderr
    assert "Include the -f parameter" in without_session("%%delete -s 7").stderr
    assert "must provide a session ID" in without_session("%%delete -f").stderr
    assert "Could not parse JSON" in without_session("%%configure\nnumExecutors: 2").stderr
    configured = without_session('%%configure\n{"driverMemory": "600m", "conf": {"spark.task.maxFailures": "2"}}')
    assert "'driverMemory': '600m'" in html(configured)
    assert sessions() == before


def test_what_can_not_be_had_is_refused_with_the_reason(without_session, sessions):
    before = sessions()
    without_session('%%configure\n{"conf": {"spark.master": "yarn"}}')
    refused = without_session("1 + 1").stderr
    assert "The code failed because of a fatal error" in refused
    assert "spark.master can't be set" in refused
    assert sessions() == before


def test_the_first_cell_starts_a_session_and_shows_it(pyspark):
    cell = pyspark("1 + 1")
    assert cell.stdout == "Starting Spark application\nSparkSession available as 'spark'.\n2"
    (number,) = re.findall(r"<tr><td>(\d+)</td><td>\w+</td><td>pyspark</td><td>idle</td>", html(cell))
    assert pyspark.session == int(number)


def test_a_cell_gives_what_it_prints_its_value_and_its_error(pyspark):
    assert pyspark("for n in range(3):\n    print('row', n)").stdout == "row 0\nrow 1\nrow 2"
    assert pyspark("print('before')\n'last'").stdout == "before\n'last'"
    assert pyspark("nothing = None").stdout == ""
    assert pyspark("print('Bergen, Tromsø')").stdout == "Bergen, Tromsø"
    failed = pyspark("def halve(n):\n    return 1 / n\n\nhalve(0)").stderr
    assert failed.startswith("An error was encountered:\nZeroDivisionError: division by zero\n")
    assert "in halve" in COLOURS.sub("", failed)
    assert pyspark("print('goes on')").stdout == "goes on"


def test_a_scala_cell_gives_what_it_prints_its_value_and_its_error(scala):
    assert scala("1 + 1").stdout.endswith("SparkSession available as 'spark'.\nval res1: Int = 2")
    assert scala('println("printed"); Seq(1, 2).map(_ * 2)').stdout == "printed\nval res3: Seq[Int] = List(2, 4)"
    failed = scala('throw new IllegalStateException("not so")').stderr
    assert failed.startswith("An error was encountered:\n")
    assert "IllegalStateException: not so" in failed


def test_a_figure_is_shown_once_wherever_it_is_asked_for(pyspark):
    (picture,) = shown(pyspark(f"{PLOT}%matplot plt"), "image/png")
    assert base64.b64decode(picture).startswith(PNG)
    # Cells that also show the figure in matplotlib's own way, and a cell with the magic alone.
    assert len(pictures(pyspark(f"{PLOT}plt.show()\n%matplot plt"))) == 1
    (shown_first,) = pictures(pyspark(f"{PLOT}plt.title('a title')"))
    assert pictures(pyspark("%matplot plt")) == [shown_first]
    assert pictures(pyspark("1\n%matplot plt")) == [shown_first]


def pictures(cell):
    """PNGs in base64, those within HTML too."""
    return shown(cell, "image/png") + re.findall(r'data:image/png;base64,([^"]+)', html(cell))


def test_a_table_that_spark_prints_becomes_html(either):
    cell = either('%%pretty\nspark.range(2).selectExpr("id", "id * 2 AS twice").show()')
    assert re.findall(r"<pre[^>]*>(\w+)</pre>", html(cell)) == ["id", "twice", "0", "0", "1", "2"]


def test_sql_gives_a_frame_to_the_notebook(either):
    query = "SELECT id, id * 2 AS twice, CAST(id AS STRING) AS word FROM range(40)"
    cell = either(f"%%sql -q -o rows\n{query}")
    assert shown(cell, "text/html") == []
    assert either.local("[len(rows), list(rows.columns), [int(n) for n in rows.iloc[3]]]") == [
        40, ["id", "twice", "word"], [3, 6, 3],
    ]  # fmt: skip
    either(f"%%sql -q -o few -n 7\n{query}")
    either(f"%%sql -q -o every -n -1\n{query}")
    either(f"%%sql -q -o none -m sample -r 0.0\n{query}")
    either(f"%%sql -q -o all -m sample -r 1.0 -n 30\n{query}")
    either(f"%%sql -q -o raw -c False\n{query}")
    assert either.local("[len(few), len(every), len(none), len(all)]") == [7, 40, 0, 30]
    assert either.local("[str(rows.word.dtype), raw.word[3]]") == ["int64", "3"]
    assert "AnalysisException" in either("%%sql\nSELECT nothing FROM nowhere").stderr
    assert "must be one of (take, sample)" in either(f"%%sql -m guess\n{query}").stderr


def test_a_result_is_drawn_by_widgets_that_answer(either):
    cell = either("%%sql\nSELECT id AS place, id * id AS height FROM range(4)")
    opened = {content["comm_id"]: content["data"]["state"] for content in cell.of("comm_open")}
    buttons = {
        state["description"]: name for name, state in opened.items() if state["_model_name"] == "ButtonModel"
    }  # fmt: skip
    assert list(buttons) == ["Table", "Pie", "Scatter", "Line", "Area", "Bar"]
    drawn = {content["model_id"] for content in shown(cell, WIDGET)}
    assert drawn & {name for name, state in opened.items() if state["_model_name"] == "VBoxModel"}
    assert "<th>height</th>" in html(cell)
    after = press(either.kernel, buttons["Bar"])
    (figure,) = [data for data in after if "application/vnd.plotly.v1+json" in data]
    (bar,) = figure["application/vnd.plotly.v1+json"]["data"]
    assert (bar["type"], bar["x"], bar["y"]) == ("bar", [0, 1, 2, 3], [0, 1, 4, 9])


def press(kernel, comm_id):
    """A click on a widget's button; what the kernel displays then."""
    content = {"comm_id": comm_id, "data": {"method": "custom", "content": {"event": "click"}}}
    message = kernel.client.session.msg("comm_msg", content)
    kernel.client.shell_channel.send(message)
    displays = []
    while True:
        answer = kernel.client.get_iopub_msg(timeout=120)
        if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
            continue
        if answer["msg_type"] == "display_data":
            displays.append(answer["content"]["data"])
        if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
            return displays


def test_a_data_frame_of_spark_comes_to_the_notebook(either):
    name = "val numbers" if either.kind == "spark" else "numbers"
    assert either(f'{name} = spark.range(5).selectExpr("id AS n")').stderr == ""
    either("%%spark -o numbers -n 3")
    assert either.local("numbers.n.tolist()") == [0, 1, 2]
    either("%%spark -o numbers -m sample -r 1.0")
    assert either.local("numbers.n.tolist()") == [0, 1, 2, 3, 4]


def test_strings_and_frames_of_the_notebook_go_to_spark(either):
    either(
        "%%local\nimport pandas as pd\nword = 'fjord'\nframe = pd.DataFrame({'n': range(9), 's': list('abcdefghi')})"
    )
    assert either("%%send_to_spark -i word").stdout == "Successfully passed 'word' as 'word' to Spark kernel"
    assert "fjord" in either("word").stdout
    either("%%send_to_spark -i word -t str -n renamed")
    assert "fjord" in either("renamed").stdout
    assert "as 'heights'" in either("%%send_to_spark -i frame -t df -n heights -m 4").stdout
    assert either("print(heights.count(), heights.columns.length)" if either.kind == "spark" else "heights.count()")
    assert "not found" in either("%%send_to_spark -i nobody").stderr


def test_the_log_of_the_driver_is_shown(pyspark):
    pyspark("1")
    assert "log4j2-defaults.properties" in pyspark("%%logs").stdout


def test_an_interrupt_ends_the_cell_and_not_the_session(pyspark, service):
    before = pyspark.session
    pyspark("kept = 5")
    waiting = pyspark.kernel.start("import time\ntime.sleep(600)")
    with service.client() as client:
        wait_busy(client, before)
    time.sleep(1)  # the answer to what it has sent is read in the kernel by then, or it is not, which is as well
    pyspark.kernel.manager.interrupt_kernel()
    cell = pyspark.kernel.finish(waiting)
    assert "interrupted" in cell.stderr.lower()
    assert pyspark("kept").stdout == "5"
    assert pyspark.session == before


def test_other_settings_need_another_session(pyspark, sessions):
    before = pyspark.session
    pyspark("lost = 1")
    settings = '{"name": "mine", "conf": {"spark.sql.shuffle.partitions": "3"}}'
    assert "please include the -f argument" in pyspark(f"%%configure\n{settings}").stderr
    assert pyspark.session == before
    pyspark(f"%%configure -f\n{settings}")
    assert pyspark.session != before
    assert before not in sessions()
    assert pyspark("spark.conf.get('spark.sql.shuffle.partitions')").stdout == "'3'"
    assert "NameError" in pyspark("lost").stderr


def test_info_does_not_wait_for_what_other_sessions_do(pyspark, scala, service):
    scala("1")
    number = scala.session
    waiting = scala.kernel.start("Thread.sleep(600000)")
    with service.client() as client:
        wait_busy(client, number)
    assert "<td>spark</td><td>busy</td>" in html(pyspark("%%info"))
    scala.kernel.manager.interrupt_kernel()
    assert "interrupted" in scala.kernel.finish(waiting).stderr.lower()


def test_one_session_is_deleted_and_then_all_of_ones_own(pyspark, service, sessions):
    pyspark("1")
    with service.client() as client, service.client(service.plane.token("grace")) as graces:
        mine = client.post("/sessions", json={"kind": "pyspark", **SMALL}).json()["id"]
        others = graces.post("/sessions", json={"kind": "pyspark", **SMALL}).json()["id"]
        assert "Cannot delete this kernel's session" in pyspark(f"%%delete -f -s {pyspark.session}").stderr
        assert "404" in pyspark(f"%%delete -f -s {others}").stderr
        pyspark(f"%%delete -f -s {mine}")
        assert mine not in sessions()
        pyspark("%%cleanup -f")
        assert (sessions(), sessions("grace")) == ([], [others])
        graces.delete(f"/sessions/{others}")
    assert pyspark("'a new one'").stdout.endswith("'a new one'")


def test_a_kernel_that_is_shut_down_ends_its_session(start, sessions):
    with start("pyspark") as cells:
        cells("1")
        number = cells.session
        cells.kernel.manager.shutdown_kernel()
    assert number not in sessions()
