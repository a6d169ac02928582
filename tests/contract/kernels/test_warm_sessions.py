"""What the session service keeps ready is what the kernel then asks for: else it would never be used."""

import pytest
from hops_kernels.configuration import session_properties

from hops_contract.options import ServerOptions
from hops_livy.conf import checked_conf, shape_of
from hops_livy.wire import SessionRequest, session_request

OPTIONS = [
    ServerOptions(),
    ServerOptions(executors=3, executor_cores=2, executor_memory_mib=2000, driver_memory_mib=700),
    ServerOptions(allocation="dynamic", min_executors=0, max_executors=4, idle_timeout_minutes=0),
    ServerOptions(gpus_per_executor=2, gpu_label="h200"),
]


def _comes_to(request):
    conf = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in request.conf.items()}
    return shape_of(request, conf), checked_conf(conf)


@pytest.mark.parametrize("options", OPTIONS, ids=["default", "fixed", "dynamic", "gpus"])
def test_a_warm_session_is_like_the_kernels(options):
    asked = session_properties(options.model_dump(mode="json"), session_name="pyspark-1")
    body = SessionRequest.model_validate({**asked, "kind": "pyspark", "heartbeatTimeoutInSecond": 120})
    assert _comes_to(session_request(options)) == _comes_to(body)
