import pytest

from hops_contract.amounts import measured_memory_text, memory_text


@pytest.mark.parametrize(
    ("mib", "text"),
    [(512, "512 MiB"), (1024, "1 GiB"), (1536, "1.5 GiB"), (2304, "2.25 GiB"), (2049, "2049 MiB"), (65536, "64 GiB")],
)
def test_what_was_asked_for_is_told_to_the_mebibyte(mib: int, text: str) -> None:
    assert memory_text(mib) == text


@pytest.mark.parametrize(("mib", "text"), [(908, "908 MiB"), (2048, "2 GiB"), (13861, "13.5 GiB")])
def test_what_was_measured_is_told_to_a_tenth(mib: int, text: str) -> None:
    assert measured_memory_text(mib) == text
