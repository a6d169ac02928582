"""The contract of uploads."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest

from hops_platform.engines.files import NewUpload, ProjectFiles, ProjectUploads
from hops_platform.errors import ConflictError, ForbiddenError, NotFoundError, PlatformError, TooLargeError
from hops_platform.testing.contracts.file_calls import ended_leave, place, read, send


class UploadsContract:
    """What every :class:`~hops_platform.engines.files.ProjectUploads` does.

    Beside ``engine`` an adapter's test gives the fixture ``files`` for the same place.
    """

    def test_a_file_comes_in_pieces(self, engine: ProjectUploads, files: ProjectFiles) -> None:
        """Each where the one before ended."""
        owner, data = uuid4(), b"day,rain"
        wanted = NewUpload(
            target=place("2026", "may.csv"), size=8, sha256=hashlib.sha256(data).hexdigest(), replace=False
        )
        upload = engine.begin(owner, wanted)
        for start in (0, 3, 6):
            with engine.write("weather", owner, upload.id, offset=start) as writer:
                writer.write(data[start : start + 3])
        assert engine.find("weather", owner, upload.id).received == len(data)
        entry = engine.finish("weather", owner, upload.id)
        assert (entry.name, entry.size) == ("may.csv", len(data))
        assert read(files, place("2026", "may.csv")) == data
        with pytest.raises(NotFoundError):
            engine.find("weather", owner, upload.id)

    def test_what_is_under_way_is_as_large_as_it_was_announced(self, engine: ProjectUploads) -> None:
        """However little of it has come, and until it is finished or given up."""
        owner = uuid4()
        assert engine.announced("weather") == 0
        begun = [
            engine.begin(owner, NewUpload(target=place(str(size)), size=size, sha256=None, replace=False))
            for size in (0, 500, 1000)
        ]
        assert (engine.announced("weather"), engine.announced("tides")) == (1500, 0)
        engine.finish("weather", owner, begun[0].id)
        engine.cancel("weather", owner, begun[1].id)
        assert engine.announced("weather") == begun[2].wanted.size

    def test_beginning_and_finishing_can_be_repeated(self, engine: ProjectUploads, files: ProjectFiles) -> None:
        """An answer may have been lost; only its owner is told of it."""
        owner, other = uuid4(), uuid4()
        wanted = NewUpload(target=place("a"), size=2, sha256=None, replace=False)
        upload = engine.begin(owner, wanted, upload=uuid4())
        with engine.write("weather", owner, upload.id, offset=0) as writer:
            writer.write(b"ab")
        assert engine.begin(owner, wanted, upload=upload.id).received == len(b"ab")
        assert engine.find_finished("weather", owner, upload.id) is None
        entry = engine.finish("weather", owner, upload.id)
        files.move(place("a"), place("b"))
        assert engine.finish("weather", owner, upload.id) == entry
        assert engine.find_finished("weather", owner, upload.id) == entry
        assert engine.find_finished("weather", other, upload.id) is None
        with pytest.raises(NotFoundError):
            files.stat(place("a"))
        with pytest.raises(NotFoundError):
            engine.finish("weather", other, upload.id)

    def test_pieces_that_do_not_fit_are_refused(self, engine: ProjectUploads) -> None:
        """Too early, too late, too many, or two at once."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=place("a"), size=4, sha256=None, replace=False))
        with engine.write("weather", owner, upload.id, offset=0) as writer:
            writer.write(b"ab")
            with pytest.raises(ConflictError):
                engine.write("weather", owner, upload.id, offset=2)
        for offset in (0, 1, 3):
            with pytest.raises(ConflictError):
                engine.write("weather", owner, upload.id, offset=offset)
        with pytest.raises(ConflictError):
            engine.finish("weather", owner, upload.id)
        with engine.write("weather", owner, upload.id, offset=2) as writer, pytest.raises(TooLargeError):
            writer.write(b"cde")
        engine.finish("weather", owner, upload.id)

    def test_another_checksum_is_found_and_nothing_put_in_place(
        self, engine: ProjectUploads, files: ProjectFiles
    ) -> None:
        """Whatever went wrong on the way."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=place("a"), size=0, sha256="0" * 64, replace=False))
        with pytest.raises(ConflictError, match="checksum"):
            engine.finish("weather", owner, upload.id)
        with pytest.raises(NotFoundError):
            files.stat(place("a"))

    def test_an_upload_whose_leave_has_ended_stays_where_it_is(
        self, engine: ProjectUploads, files: ProjectFiles
    ) -> None:
        """Until there is leave again."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=place("a"), size=0, sha256=None, replace=False))
        with pytest.raises(ForbiddenError):
            engine.finish("weather", owner, upload.id, leave=ended_leave(3600))
        with pytest.raises(NotFoundError):
            files.stat(place("a"))
        assert engine.finish("weather", owner, upload.id).name == "a"

    def test_a_file_is_replaced_only_when_asked(self, engine: ProjectUploads, files: ProjectFiles) -> None:
        """And a folder never."""
        send(engine, place("a"), b"old")
        with pytest.raises(ConflictError):
            send(engine, place("a"), b"new")
        assert read(files, place("a")) == b"old"
        send(engine, place("a"), b"new", replace=True)
        assert read(files, place("a")) == b"new"
        files.make_folder(place("folder"))
        with pytest.raises(PlatformError):
            send(engine, place("folder"), b"new", replace=True)

    def test_an_upload_is_its_owners_alone(self, engine: ProjectUploads) -> None:
        """For others it does not exist."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=place("a"), size=0, sha256=None, replace=False))
        for project, other in (("weather", uuid4()), ("tides", owner)):
            with pytest.raises(NotFoundError):
                engine.find(project, other, upload.id)
            engine.cancel(project, other, upload.id)
        assert engine.find("weather", owner, upload.id).received == 0

    def test_a_cancelled_upload_is_gone(self, engine: ProjectUploads) -> None:
        """Can be repeated."""
        owner = uuid4()
        upload = engine.begin(owner, NewUpload(target=place("a"), size=3, sha256=None, replace=False))
        assert [engine.cancel("weather", owner, upload.id) > 0 for _ in range(2)] == [True, False]
        with pytest.raises(NotFoundError):
            engine.finish("weather", owner, upload.id)

    def test_of_many_who_cancel_one_tells_what_it_would_have_taken(self, engine: ProjectUploads) -> None:
        """Whoever gives a quota back goes by it."""
        owner = uuid4()
        for _ in range(10):
            upload = engine.begin(owner, NewUpload(target=place("a"), size=7, sha256=None, replace=False))
            with ThreadPoolExecutor(8) as pool:
                cancel = partial(engine.cancel, "weather", owner, upload.id)
                told = [done.result() for done in [pool.submit(cancel) for _ in range(8)]]
            assert sorted(told) == [*([0] * 7), 7]

    def test_a_dataset_that_is_gone_is_not_made_by_an_upload(self, engine: ProjectUploads) -> None:
        """It would come back without a row."""
        with pytest.raises(NotFoundError):
            send(engine, place("a", dataset="absent"), b"new")
