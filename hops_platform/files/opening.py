"""Files that Lab opens from the storage: what may be opened is what Lab opens of files on the machine's disk.

There the notebook server decides by the same rule (``jupyterlab_hops.authorizer``). Here it is decided once more: the
notebook server runs beside its person's code, and asks with a token that this code has too.
"""

from __future__ import annotations

from hops_contract.principal import ProjectRole
from hops_platform.engines.files import ProjectFiles
from hops_platform.engines.places import Place
from hops_platform.errors import ForbiddenError, TooLargeError
from hops_platform.files.programs import MOST_PROGRAM_BYTES, is_program, is_readable
from hops_platform.security.authentication import ProjectAccess

MOST_OPENED_BYTES = MOST_PROGRAM_BYTES


def check_may_open(access: ProjectAccess, place: Place, size: int) -> None:
    """Checks that Lab may show a file of ``size`` bytes to the caller.

    Raises:
        ForbiddenError: It is data, and the caller no Data Owner, or the dataset is another project's.
        TooLargeError: It is larger than what is opened.
    """
    is_shown = is_readable(place.path, size)
    is_own = place.project == access.project.name
    is_owner = access.member.role is ProjectRole.DATA_OWNER
    if size > MOST_OPENED_BYTES and (is_program(place.path, 0) or (is_own and is_owner)):
        raise TooLargeError(
            f"This file has {size / 2**20:.1f} MiB. Lab opens files of at most {MOST_OPENED_BYTES // 2**20} MiB where "
            "datasets lie on the site's storage.",
            remedy="Open the dataset's page: it shows the file's beginning, and Data Owners download it there.",
        )
    if is_shown or (is_own and is_owner):
        return
    if not is_own:
        raise ForbiddenError(
            "Of another project's dataset Lab opens programs, notebooks and logs, no data.",
            remedy="Open the dataset's page from the project's page: what is allowed here can be done there.",
        )
    raise ForbiddenError(
        "A Data Scientist opens programs, notebooks and logs in Lab, no data.",
        remedy="Look at the file's beginning on the dataset's page.",
    )


def read_opened(files: ProjectFiles, access: ProjectAccess, place: Place) -> tuple[bytes, str]:
    """The bytes of a file that Lab opens, and a text that is another one for each content.

    Raises:
        ForbiddenError: See :func:`check_may_open`.
        TooLargeError: See :func:`check_may_open`.
    """
    opened = files.open_file(place)
    with opened.file as file:
        check_may_open(access, place, opened.size)
        return file.read(opened.size), opened.version
